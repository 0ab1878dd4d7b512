// The functions under test, run by Google's functions-framework: one of each signature.
const fs = require('fs');
const functions = require('@google-cloud/functions-framework');

// HTTP: what came, as the reply object of the gateway.
functions.http('echo', (req, res) => {
  if (req.get('ce-type') === 'please.fail') {
    throw new Error('as asked');
  }
  const seen = { headers: req.headers, body: req.body };
  res.json({ statusCode: 201, headers: { 'x-function': 'echo' }, body: JSON.stringify(seen) });
});

// CloudEvent: a line for every event, as the framework has understood it.
functions.cloudEvent('record', (event) => {
  fs.appendFileSync(process.env.RECORD, JSON.stringify(event) + '\n');
});
