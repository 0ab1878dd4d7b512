'use strict'
// Runs the published Node clients for the tests: one JSON call a line on stdin, one JSON result a line
// on stdout. It handles no stray rejection on purpose: Node ends the process on one, and so the tests
// see every answer of the gateway that would end a user's program.
const readline = require('readline')
const fetches = require('./fetches.js')

const sdk = name => config => {
  const Client = require(name)
  return new Client(config)
}
const fdk = name => config => require(name).eventGateway(config)
const pageFdk = name => config => fetches.loadInPage(name, config.fetch).eventGateway(config)

const clients = {
  '0.11.0': sdk('@serverless/event-gateway-sdk'),
  '0.3.0': sdk('event-gateway-sdk-0.3.0'),
  'fdk 0.7.1': fdk('@serverless/fdk'),
  'fdk 0.5.1': fdk('fdk-0.5.1'),
  'fdk 0.3.5': fdk('fdk-0.3.5'),
  // What web pages loaded with a script element.
  'fdk 0.7.1 of a page': pageFdk('@serverless/fdk/dist/fdk.min.js'),
  'fdk 0.5.1 of a page': pageFdk('fdk-0.5.1/dist/fdk.min.js')
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
    const own = call.fetch ? { fetch: fetches.make(call.fetch) } : {}
    const client = clients[call.version]({ ...call.config, ...own })
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
