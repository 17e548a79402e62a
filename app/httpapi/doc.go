// Package httpapi is the public service over HTTP: the routes of version 1, the
// pages people read, and beside them, on a listener of their own, the probes
// and metrics. It alone knows Fiber.
//
// What it promises is openapi.yaml, which stands beside this file, is served
// at /openapi.yaml, and is held against the real server by a test.
//
// Nothing that comes from Fiber outlives its request: references are parsed
// into memory of their own, and bodies are read into buffers of our own. Fiber
// streams request bodies, which switches its BodyLimit off; so every route that
// reads a body says how much of it, through request.body.
//
// Limits: rates and budgets are counted by each process for itself, and no TLS
// is spoken: a reverse proxy does that.
package httpapi
