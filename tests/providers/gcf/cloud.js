// Google's side of a call, on loopback: a metadata server, a token endpoint, the certificates of an
// issuer, and a front end that lets a request through to a function only with an ID token that
// google-auth-library accepts. All of them are strict about what they are sent. Prints one line of JSON when
// ready; POST /state changes `state`, GET /state answers it with the counts. Ends when stdin is closed.
const crypto = require('crypto');
const http = require('http');
const { OAuth2Client } = require('google-auth-library');

const ISSUER = 'https://accounts.google.com';
const ACCOUNT = 'gateway@project.iam.gserviceaccount.com';
const pair = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const issuer = pair();
const account = pair();
const state = { metadata: 'ok', endpoint: 'ok', lifetime: 3600, wrongAudience: false, refuseBefore: 0 };
const counts = { asked: { metadata: 0, endpoint: 0 }, front: 0, passed: 0, problems: [] };
let issued = 0;

function idToken(audience) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const text = encode({ alg: 'RS256', kid: 'test', typ: 'JWT' }) + '.' + encode({ iss: ISSUER,
    aud: state.wrongAudience ? 'https://else.where' : audience, azp: '1', sub: '1', email: ACCOUNT,
    iat: now, exp: now + state.lifetime, serial: ++issued });
  return text + '.' + crypto.sign('RSA-SHA256', text, issuer.privateKey).toString('base64url');
}

function problem(res, status, text) {
  counts.problems.push(text);
  res.writeHead(status).end(text);
}

async function bodyOf(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return Buffer.concat(parts);
}

function listen(handler) {
  return new Promise((resolve) => {
    const server = http.createServer((req, res) => Promise.resolve(handler(req, res)).catch((e) => problem(res, 500, String(e))));
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

function metadata(req, res) {
  counts.asked.metadata++;
  if (state.metadata === 'hang') return;
  if (typeof state.metadata === 'number') return res.writeHead(state.metadata, { 'Metadata-Flavor': 'Google' }).end('no');
  if (req.headers['metadata-flavor'] !== 'Google') return problem(res, 403, 'Metadata-Flavor is missing');
  if (req.headers['x-forwarded-for']) return problem(res, 403, 'came through a proxy');
  const url = new URL(req.url, 'http://metadata');
  const keys = [...url.searchParams.keys()].sort().join();
  if (req.method !== 'GET' || url.pathname !== '/computeMetadata/v1/instance/service-accounts/default/identity' ||
      keys !== 'audience,format' || url.searchParams.get('format') !== 'full') {
    return problem(res, 404, `unexpected ${req.method} ${req.url}`);
  }
  const flavor = state.metadata === 'foreign' ? {} : { 'Metadata-Flavor': 'Google' };
  res.writeHead(200, { 'Content-Type': 'text/html', ...flavor }).end(idToken(url.searchParams.get('audience')));
}

async function endpoint(req, res) {
  counts.asked.endpoint++;
  const body = (await bodyOf(req)).toString();
  const refuse = (error, text) => { counts.problems.push(text); res.writeHead(400, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ error, error_description: text })); };
  if (state.endpoint === 'revoked') return res.writeHead(400).end('{"error":"invalid_grant","error_description":"Invalid JWT Signature."}');
  if (typeof state.endpoint === 'number') return res.writeHead(state.endpoint).end('{}');
  if (req.method !== 'POST' || req.url !== '/token' || req.headers['content-type'] !== 'application/x-www-form-urlencoded') {
    return refuse('invalid_request', `unexpected ${req.method} ${req.url} ${req.headers['content-type']}`);
  }
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return refuse('unsupported_grant_type', body);
  const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(form.get('assertion'),
    { key1: account.publicKey }, key.token_uri, [ACCOUNT], 3600).catch((e) => e);
  if (ticket instanceof Error) return refuse('invalid_grant', ticket.message);
  const claims = ticket.getPayload();
  if (claims.exp !== claims.iat + 3600 || !claims.target_audience || ticket.getEnvelope().typ !== 'JWT') {
    return refuse('invalid_grant', `claims ${JSON.stringify(claims)}`);
  }
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id_token: idToken(claims.target_audience) }));
}

// To the function on port/path: /<port>/...; the audience is this server's URL of it.
async function front(req, res) {
  counts.front++;
  const body = await bodyOf(req);
  const port = req.url.split('/')[1];
  const found = /^Bearer (\S+)$/.exec(req.headers.authorization || '');
  if (!found) return res.writeHead(403, { 'Content-Type': 'text/html' }).end('<h1>Forbidden</h1>');
  const audience = `http://${req.headers.host}${req.url.split('?')[0]}`;
  const client = new OAuth2Client({ issuers: [ISSUER],
    endpoints: { oauth2FederatedSignonPemCertsUrl: `http://127.0.0.1:${ports.certs}/` } });
  const ticket = await client.verifyIdToken({ idToken: found[1], audience }).catch((e) => e);
  if (ticket instanceof Error || ticket.getPayload().serial < state.refuseBefore) {
    return res.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end(String(ticket));
  }
  counts.passed++;
  const headers = { ...req.headers, host: `127.0.0.1:${port}`, 'x-verified-email': ticket.getPayload().email };
  delete headers.authorization;
  const out = http.request({ host: '127.0.0.1', port, method: req.method, path: '/', headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  out.on('error', (e) => res.writeHead(502).end(String(e)));
  out.end(body);
}

async function control(req, res) {
  if (req.method === 'POST') Object.assign(state, JSON.parse(await bodyOf(req)));
  res.end(JSON.stringify({ ...state, ...counts, issued }));
}

const ports = {};
const key = { type: 'service_account', project_id: 'project', private_key_id: 'key1', private_key: account.privateKey,
  client_email: ACCOUNT, client_id: '1' };
(async () => {
  ports.certs = await listen((req, res) => res.writeHead(200, { 'Content-Type': 'application/json',
    'Cache-Control': 'max-age=60' }).end(JSON.stringify({ test: issuer.publicKey })));
  ports.metadata = await listen(metadata);
  ports.endpoint = await listen(endpoint);
  ports.front = await listen(front);
  ports.control = await listen(control);
  key.token_uri = `http://127.0.0.1:${ports.endpoint}/token`;
  console.log(JSON.stringify({ ports, key }));
})();
process.stdin.on('end', () => process.exit(0)).resume();
