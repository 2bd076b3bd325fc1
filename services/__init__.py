"""The services of the mesh. They never import each other and speak only through protos/."""
