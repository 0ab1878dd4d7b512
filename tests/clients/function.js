'use strict'
// An HTTP function in the style of 2017: an AWS Lambda handler wrapped by the Handler of @serverless/fdk,
// which calls the gateway by the same package. It invokes the function `check` with what it was sent,
// emits `user.created` when that is fine, and answers what `check` said.
//   function.js HANDLER FDK EVENTS_URL     names of the modules; prints its port
const http = require('http')
const [handlerModule, fdkModule, url] = process.argv.slice(2)
const Handler = require(handlerModule)
const gateway = require(fdkModule).eventGateway({ url })

const userOf = event => (event.event === 'http' ? event.data.body : event.data)

async function createUser (event) {
  const user = userOf(event)
  if (!user) {
    throw new Error('no user')
  }
  const checked = await (await gateway.invoke({ functionId: 'check', data: user })).json()
  if (checked.ok) {
    await gateway.emit({ event: 'user.created', data: { ...user, by: event.event } })
  }
  return checked
}

const handler = new Handler().handler(createUser)

function serve (request, response) {
  const pieces = []
  request.on('data', piece => pieces.push(piece))
  request.on('end', () => handler(JSON.parse(Buffer.concat(pieces)), {}, (error, result) => {
    response.statusCode = error ? 500 : 200
    response.end(error ? String(error) : JSON.stringify(result))
  }))
}

const server = http.createServer(serve)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0)).resume()   // ends with the test
