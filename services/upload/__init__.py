"""Takes files of any size in parts, straight from the client to the object store."""
