// Random requests, signed by the program of the plugin and by the package aws4; both have to agree.
//
//   node sigv4.js PROGRAM DIRECTORY_OF_AWS4 COUNT SEED
//
// Prints each difference and `sigv4: N passed, N failed`.
'use strict'
const { spawnSync } = require('child_process')
const [program, packageDirectory, countText, seedText] = process.argv.slice(2)
const aws4 = require(packageDirectory)

// mulberry32: the same seed gives the same requests everywhere.
let state = Number(seedText) >>> 0
function random() {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = n => Math.floor(random() * n)
const pick = list => list[below(list.length)]
const many = (most, make) => Array.from({ length: below(most + 1) }, make)

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
// What a path on the wire may hold as it is, escapes, and the segments that are normalised away.
const PATH_CHARS = [...LETTERS, ...":@&=+$-_.!~*'(),;", '%3A', '%20', '%2F', '%C3%A9', '%e2%82%ac', '%25']
const VALUE_CHARS = [...LETTERS, ...":@/$-_.!~*'(),;+", '%20', '%24', '%C3%A9', '%26', '%3D', '%2B', '%25', '%F0%9F%98%80']
// Not signed by either side, or signed by one side only unless told so.
const UNSIGNED_HERE = ['keep-alive', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']
const HEADERS = ['Content-Type', 'X-Amz-Target', 'X-Amz-Invocation-Type', 'X-Amz-Log-Type', 'X-Amz-Meta-Test',
    'X-Amz-Meta-Test-Two', 'Accept', 'Range', 'My-Header', 'my-header-1', 'MY_HEADER', 'If-None-Match', 'User-Agent',
    'Authorization', 'Connection', 'Expect', 'X-Amzn-Trace-Id', 'Keep-Alive', 'Proxy-Authorization', 'TE', 'Upgrade']

const text = (chars, most) => many(most, () => pick(chars)).join('')
const segment = () => random() < 0.15 ? pick(['', '.', '..', '...']) : text(PATH_CHARS, 12)
const path = () => '/' + many(6, segment).join('/')

function parameter() {
    const name = 'p' + text(VALUE_CHARS, 6)
    const kind = random()
    return kind < 0.1 ? name : kind < 0.2 ? name + '=' : `${name}=${text([...VALUE_CHARS, '='], 10)}`
}

function query() {
    const list = many(5, parameter)
    if (list.length > 0 && random() < 0.3) list.push(list[0].split('=')[0] + '=' + text(LETTERS, 3))
    return list.join(random() < 0.1 ? '&&' : '&')
}

function headerValue() {
    const word = () => text([...LETTERS, ..."!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"], 10)
    return many(4, word).join(pick([' ', '  ', '\t', ' \t '])) + pick(['', '', ' ', '\t'])
}

function headers() {
    const result = {}
    const seen = new Set()
    for (const name of many(6, () => pick(HEADERS))) {
        if (!seen.has(name.toLowerCase())) result[name] = headerValue()
        seen.add(name.toLowerCase())
    }
    return result
}

function body() {
    const kind = random()
    if (kind < 0.2) return Buffer.alloc(0)
    if (kind < 0.6) return Buffer.from(JSON.stringify({ data: text(LETTERS, 40), e: 'é€😀' }))
    return Buffer.from(Array.from({ length: below(300) }, () => below(256)))
}

function request() {
    const at = 946684800 + below(3155760000)
    const service = pick(['lambda', 'kinesis', 'firehose', 'sqs', 'sts', 'events'])
    const region = pick(['us-east-1', 'eu-central-1', 'cn-north-1', 'us-gov-west-1', 'ap-southeast-3'])
    return {
        at, service, region,
        method: pick(['GET', 'POST', 'POST', 'PUT', 'DELETE']),
        host: pick([`${service}.${region}.amazonaws.com`, 'localhost:4566', '127.0.0.1:1', '[::1]:8080']),
        path: path(), query: query(), headers: headers(), body: body(),
        id: 'AKIA' + text(LETTERS, 16), secret: 's' + text([...LETTERS, '/', '+', 'é'], 40),
        token: random() < 0.4 ? text([...LETTERS, '/', '+', '='], 200) : '',
    }
}

const dateText = at => new Date(at * 1000).toISOString().replace(/[:-]|\.\d{3}/g, '')

function theirs(r) {
    const wanted = {
        service: r.service, region: r.region, method: r.method, body: r.body, doNotModifyHeaders: true,
        path: r.query === '' ? r.path : `${r.path}?${r.query}`,
        extraHeadersToIgnore: Object.fromEntries(UNSIGNED_HERE.map(name => [name, true])),
        extraHeadersToInclude: { range: true },
        headers: { ...r.headers, Host: r.host, 'X-Amz-Date': dateText(r.at) },
    }
    if (r.token !== '') wanted.headers['X-Amz-Security-Token'] = r.token
    const signer = new aws4.RequestSigner(wanted, { accessKeyId: r.id, secretAccessKey: r.secret, sessionToken: r.token })
    signer.datetime = dateText(r.at)
    // sign() itself would take an Authorization header of the caller away only when it adds its own.
    delete wanted.headers.Authorization
    return signer.sign().headers.Authorization
}

function line(r) {
    const hex = value => Buffer.from(value).toString('hex') || '-'
    const fields = [r.method, r.host, r.path, r.query, r.region, r.service, r.id, r.secret, r.token, r.body, String(r.at)]
    for (const [name, value] of Object.entries(r.headers)) fields.push(name, value)
    return fields.map(hex).join(' ')
}

const requests = Array.from({ length: Number(countText) }, request)
const run = spawnSync(program, { input: requests.map(line).join('\n') + '\n', maxBuffer: 1 << 28 })
const ours = run.stdout.toString().trimEnd().split('\n')
let failed = run.status === 0 && ours.length === requests.length ? 0 : 1
if (failed) console.log(`the program ended with ${run.status} after ${ours.length} lines: ${run.stderr}`)
requests.forEach((r, i) => {
    const expected = theirs(r)
    if (ours[i] === expected) return
    failed++
    if (failed <= 5) console.log(`request ${i}: ${JSON.stringify(r)}\n  got      ${ours[i]}\n  expected ${expected}`)
})
console.log(`sigv4: ${requests.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
