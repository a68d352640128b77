import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import type { JobDocument, JobProgress, JobResult } from '@clean-room/protocol/jobs';
import {
  KeyReleaseAnswer,
  KeyRequest,
  sealFileKey,
  type KeyRequestMessage,
  type MailboxReply
} from '@clean-room/protocol/key-release';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import type { World } from './world.js';

const PATH = '/v1/jobs/abcdefghijklmnopqrstuvwxyz';

/** A test server with a coordinator's job routes, and a custodian that releases keys through the mailbox. */
export class JobServer {
  readonly world: World;
  readonly messages: KeyRequestMessage[] = [];
  readonly progress: JobProgress[] = [];
  readonly objects = new Map<string, Buffer>();
  result: JobResult | undefined;
  /** Number of requests by method and path. */
  readonly calls = new Map<string, number>();
  /** By method and path: status codes for the next requests. 0 closes the connection. */
  readonly failures = new Map<string, number[]>();
  /** Returns the custodian's reply to a request, or `undefined` when there is none yet. */
  reply: (message: KeyRequestMessage) => Promise<MailboxReply | undefined>;
  /** Changes the job document before it is sent. */
  changeJob: (job: JobDocument) => JobDocument = job => job;
  sealed: Uint8Array;
  readonly #server: Server;

  private constructor(world: World) {
    this.world = world;
    this.sealed = world.sealed;
    this.reply = message => this.release(message);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Starts the server on a free port of the loopback interface. */
  static async open(world: World): Promise<JobServer> {
    const server = new JobServer(world);
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${PATH}`;
  }

  job(): JobDocument {
    const { job } = this.world;
    const base = this.address;
    return this.changeJob({
      ...job,
      assets: job.assets.map(asset => ({ ...asset, sealed: `${base}/sealed` })),
      mailbox: `${base}/mailbox`,
      progress: `${base}/progress`,
      results: `${base}/results`
    });
  }

  /** Returns the custodian's answer to a request. */
  async release(message: KeyRequestMessage, change: Partial<KeyReleaseAnswer> = {}): Promise<MailboxReply> {
    const { keys, asset, fileKey } = this.world;
    const request = KeyRequest.read(fromBase64(message.request));
    const answer = KeyReleaseAnswer.sign(
      {
        format: 'clean-room.key-release/v1',
        custodian: keys.custodian.publicKey,
        request: request.digest,
        attemptKey: request.value.attemptKey,
        attempt: 1,
        assets: [
          {
            version: asset.digest,
            fileKey: await sealFileKey(fileKey, request.value.attemptKey, request.digest, asset.digest)
          }
        ],
        rosterVersion: 4,
        logHead: EMPTY_TREE_HEAD,
        releasedAt: '2026-11-20T12:00:00Z',
        ...change
      },
      keys.custodian
    );
    return { answer };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(PATH, '');
    const name = `${request.method} ${path}`;
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const body = await buffer(request);
    const failure = this.failures.get(name)?.shift();
    if (failure === 0) return void response.destroy();
    if (failure !== undefined) return void response.writeHead(failure, { location: '/elsewhere' }).end();
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (name === 'GET ') return void json(this.job());
    if (name === 'GET /sealed') return void response.writeHead(200).end(this.sealed);
    if (name === 'POST /progress') {
      this.progress.push(JSON.parse(body.toString()) as JobProgress);
      return void response.writeHead(204).end();
    }
    if (name === 'POST /mailbox') {
      this.messages.push(JSON.parse(body.toString()) as KeyRequestMessage);
      return void response.writeHead(202).end();
    }
    if (request.method === 'GET' && path.startsWith('/mailbox/')) {
      const posted = this.messages.findLast(message => path.endsWith(digestOf(fromBase64(message.request))));
      const reply = posted === undefined ? undefined : await this.reply(posted);
      if (reply === undefined) return void response.writeHead(204).end();
      return void json(reply);
    }
    if (request.method === 'PUT' && path.startsWith('/objects/')) {
      this.objects.set(path.slice('/objects/'.length), body);
      return void response.writeHead(200).end('{}');
    }
    if (name === 'POST /results') {
      this.result = JSON.parse(body.toString()) as JobResult;
      return void response.writeHead(204).end();
    }
    response.writeHead(404).end();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
