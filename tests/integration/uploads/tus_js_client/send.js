// tus-js-client as anybody uses it: send a file, and go on by itself whatever becomes of the connection.
const fs = require('node:fs')
const tus = require('./tus.js')

const [endpoint, authorization, path] = process.argv.slice(2)
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  chunkSize: 3_000_000,
  headers: { Authorization: authorization },
  metadata: { filename: 'final.mp4', filetype: 'video/mp4' },
  retryDelays: Array(200).fill(50),
  onError: (error) => {
    console.error(error)
    process.exit(1)
  },
  onSuccess: () => console.log(new URL(upload.url).pathname),
})
upload.start()
