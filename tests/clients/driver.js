'use strict'
// Runs the published Node clients for the tests: one JSON call a line on stdin, one JSON result a line
// on stdout. It handles no stray rejection on purpose: Node ends the process on one, and so the tests
// see every answer of the gateway that would end a user's program.
const readline = require('readline')

const clients = {
  '0.11.0': require('@serverless/event-gateway-sdk'),
  '0.3.0': require('event-gateway-sdk-0.3.0')
}

// A fetch Response, as emit gives it; everything else goes out as it is.
async function describe (value) {
  if (value && typeof value.text === 'function') {
    return { status: value.status, headers: value.headers.raw(), body: await value.text() }
  }
  return value
}

// A turn of the loop later a stray rejection of the call has ended the process.
const turn = () => new Promise(resolve => setImmediate(resolve))

async function run (call) {
  try {
    const client = new clients[call.version](call.config)
    const value = await describe(await client[call.method](...call.args))
    return { value, isUndefined: value === undefined }
  } catch (error) {
    return { error: error.message, name: error.name }
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const result = await run(JSON.parse(line))
    await turn()
    process.stdout.write(JSON.stringify(result) + '\n')
  }
}

main()
