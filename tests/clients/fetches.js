'use strict'
// Kinds of `fetch` that users of @serverless/fdk hand to it: one that adds a token, one that sends what
// is for some port to another, and one that obeys the CORS protocol as a browser does.
const fs = require('fs')
const vm = require('vm')
const plainFetch = require('isomorphic-fetch')

// The browser's bundle, loaded as a page does: it finds nothing of Node but the `process` that 0.7.1 looks
// for a token in. Bundlers of its time gave pages one; without it that version calls nothing but lists.
function loadInPage (name, fetch) {
  const page = { self: { fetch }, window: { fetch }, process: { env: {} } }
  vm.runInNewContext(fs.readFileSync(require.resolve(name), 'utf8'), page)
  return page.fdk
}

const withToken = (token, fetch) => (url, options = {}) =>
  fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } })

const withPorts = (ports, fetch) => (url, options) => {
  const target = new URL(url)
  target.port = ports[target.port]
  return fetch(target.href, options)
}

// ---- CORS: https://fetch.spec.whatwg.org/#http-cors-protocol, for requests with credentials, the
// strictest kind: `*` does not count.

const SIMPLE_METHODS = ['GET', 'HEAD', 'POST']
const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']

function isSimpleHeader (name, value) {
  if (name === 'content-type') {
    return SIMPLE_TYPES.includes(value.split(';')[0].trim().toLowerCase())
  }
  return ['accept', 'accept-language', 'content-language'].includes(name)
}

const listed = (answer, name) =>
  (answer.headers.get(name) || '').split(',').map(item => item.trim()).filter(item => item)

function refuseUnless (holds, why) {
  if (!holds) {
    throw new TypeError(`blocked by CORS policy: ${why}`)
  }
}

function checkOrigin (origin, answer) {
  refuseUnless(answer.headers.get('Access-Control-Allow-Origin') === origin, 'the origin is not allowed')
  refuseUnless(answer.headers.get('Access-Control-Allow-Credentials') === 'true', 'credentials are not allowed')
}

async function preflight (origin, url, method, names) {
  const headers = { Origin: origin, 'Access-Control-Request-Method': method }
  if (names.length > 0) {
    headers['Access-Control-Request-Headers'] = names.sort().join(',')
  }
  const answer = await plainFetch(url, { method: 'OPTIONS', headers })
  refuseUnless(answer.ok, `the preflight is answered ${answer.status}`)
  checkOrigin(origin, answer)
  refuseUnless(SIMPLE_METHODS.includes(method) || listed(answer, 'Access-Control-Allow-Methods').includes(method),
    `method ${method} is not allowed`)
  const allowed = listed(answer, 'Access-Control-Allow-Headers').map(name => name.toLowerCase())
  for (const name of names) {
    refuseUnless(allowed.includes(name), `header ${name} is not allowed`)
  }
}

const asPage = origin => async (url, options = {}) => {
  const method = options.method || 'GET'
  const names = Object.entries(options.headers || {}).map(([name, value]) => [name.toLowerCase(), value])
    .filter(([name, value]) => !isSimpleHeader(name, value)).map(([name]) => name)
  if (!SIMPLE_METHODS.includes(method) || names.length > 0) {
    await preflight(origin, url, method, names)
  }
  const answer = await plainFetch(url, { ...options, headers: { ...options.headers, Origin: origin } })
  checkOrigin(origin, answer)
  return answer
}

function make (wanted) {
  const base = wanted.origin ? asPage(wanted.origin) : plainFetch
  const made = wanted.token ? withToken(wanted.token, base) : base
  return wanted.ports ? withPorts(wanted.ports, made) : made
}

module.exports = { loadInPage, make }
