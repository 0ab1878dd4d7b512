// A function as it would run in Lambda: answers what it got, or fails when told so.
exports.hello = async event => {
    if (event.data && event.data.fail) throw new Error('boom-in-the-function')
    return {
        statusCode: 201,
        multiValueHeaders: { 'x-type': [event.eventType] },
        cookies: ['a=1'],
        isBase64Encoded: true,
        body: Buffer.from(JSON.stringify(event)).toString('base64'),
    }
}
