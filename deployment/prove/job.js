/** The job endpoint that the machines of a proof call. It records their attestation tokens and how far they came. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { AttemptRegistration, sealAttemptSecret } from '@clean-room/protocol/jobs';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';

/** The most that a registration has, in bytes. */
const MOST_BYTES = 65_536;
const PATH = /^\/v1\/jobs\/([0-9a-z]{26})(?:\/(registration|progress))?$/;

/** Answers the requests of machines until it is closed. */
export class JobEndpoint {
  /**
   * @param {string} address - the URL at which machines reach this endpoint
   */
  constructor(address) {
    this.address = address.replace(/\/$/, '');
    this.seen = new Map();
    this.server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  async listen(host, port) {
    this.server.listen(port, host);
    await once(this.server, 'listening');
  }

  /** Returns the address of an attempt's job, and records from now on what its machine sends. */
  expect(attempt) {
    this.seen.set(attempt, {});
    return this.jobOf(attempt);
  }

  jobOf(attempt) {
    return `${this.address}/v1/jobs/${attempt}`;
  }

  async answer(request, response) {
    const [, attempt, part] = PATH.exec(request.url ?? '') ?? [];
    const record = this.seen.get(attempt);
    if (record === undefined || Number(request.headers['content-length'] ?? 0) > MOST_BYTES) {
      response.writeHead(404).end();
      return;
    }
    const body = await text(request);
    if (part === 'registration') {
      const { attemptKey, token } = checkSchema(
        AttemptRegistration,
        parseStrictJson(Buffer.from(body)),
        'registration'
      );
      record.registeredAt ??= Date.now();
      record.registration ??= { attemptKey, token };
      const secret = new Uint8Array(randomBytes(32));
      const sealed = await sealAttemptSecret(secret, attemptKey, this.jobOf(attempt));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(sealed));
    } else if (part === 'progress') {
      record.progress = body.slice(0, 1000);
      response.writeHead(204).end();
    } else {
      // The supervisor asks for its job only after the sandbox probe has passed, so this request proves the probe. No job is given.
      record.askedForJobAt ??= Date.now();
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    }
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
