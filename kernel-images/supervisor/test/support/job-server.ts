import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import {
  isProven,
  PROOF_HEADER,
  readRequestProof,
  sealAttemptSecret,
  type AttemptRegistration,
  type JobDocument,
  type JobProgress,
  type JobResult,
  type TransferAddress,
  type TransferRequest
} from '@clean-room/protocol/jobs';
import {
  KeyReleaseAnswer,
  KeyRequest,
  sealFileKey,
  type KeyRequestMessage,
  type KeyRequestToken,
  type Mailbox,
  type MailboxReply
} from '@clean-room/protocol/key-release';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import { JobChannel } from '../../src/job/channel.js';
import type { World } from './world.js';

const PATH = '/v1/jobs/abcdefghijklmnopqrstuvwxyz';

/**
 * A test server with a coordinator's job routes, and a custodian that releases keys through the mailbox. It accepts only requests
 * of the registered attempt, in order.
 */
export class JobServer {
  readonly world: World;
  readonly messages: KeyRequestMessage[] = [];
  /** The tokens over key requests, in the order in which they arrived. */
  readonly tokens: string[] = [];
  readonly registrations: AttemptRegistration[] = [];
  readonly progress: JobProgress[] = [];
  readonly objects = new Map<string, Buffer>();
  result: JobResult | undefined;
  /** Number of requests by method and path. */
  readonly calls = new Map<string, number>();
  /** By method and path: status codes for the next requests. 0 closes the connection. */
  readonly failures = new Map<string, number[]>();
  /** Returns how often the custodian has asked for a token. */
  tokensWanted: () => number = () => 1;
  /** Returns the custodian's reply to a request whose token it has, or `undefined` when there is none yet. */
  reply: (message: KeyRequestMessage) => Promise<MailboxReply | undefined>;
  /** Changes the job document before it is sent. */
  changeJob: (job: JobDocument) => JobDocument = job => job;
  sealed: Uint8Array;
  /** Returns the address of a transfer. */
  transferAddress: (request: TransferRequest) => TransferAddress | Promise<TransferAddress>;
  /** For the next downloads: number of bytes after which the connection breaks. */
  readonly breaks: number[] = [];
  /** Whether downloads can start in the middle. */
  ranges = true;
  readonly #server: Server;
  readonly #secret = new Uint8Array(randomBytes(32));
  #sequence = 0;
  #version = 0;

  private constructor(world: World) {
    this.world = world;
    this.sealed = world.sealed;
    this.reply = message => this.release(message);
    this.transferAddress = request => this.#address(request);
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
    return this.changeJob(this.world.job);
  }

  /** Returns the channel of an attempt that is registered already. */
  registeredChannel(): JobChannel {
    return new JobChannel(this.address, this.#secret);
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
    const name = `${request.method} ${path.replace(/\?.*/, '')}`;
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const body = await buffer(request);
    const failure = this.failures.get(name)?.shift();
    if (failure === 0) return void response.destroy();
    if (failure !== undefined) return void response.writeHead(failure, { location: '/elsewhere' }).end();
    if (path.startsWith('/sealed') || path.startsWith('/objects/')) {
      this.#transfer(request, path, body, response);
      return;
    }
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (name === 'POST /registration') {
      const registration = JSON.parse(body.toString()) as AttemptRegistration;
      this.registrations.push(registration);
      json(await sealAttemptSecret(this.#secret, registration.attemptKey, this.address));
      return;
    }
    if (!this.#isProven(request, body)) return void response.writeHead(401).end();
    const answer = await this.#handle(name, path, body);
    if (answer === undefined) response.writeHead(204).end();
    else json(answer);
  }

  /** Returns whether the registered attempt sent a request, and it is not older than the one before. */
  #isProven(request: IncomingMessage, body: Buffer): boolean {
    const proof = readRequestProof(request.headers[PROOF_HEADER]);
    const sent = { method: request.method ?? '', path: request.url ?? '', body: digestOf(body) };
    const isNext = proof.sequence >= this.#sequence;
    this.#sequence = proof.sequence;
    return isNext && isProven(this.#secret, proof, sent);
  }

  async #handle(name: string, path: string, body: Buffer): Promise<unknown> {
    switch (name) {
      case 'GET ':
        return this.job();
      case 'GET /mailbox':
        return this.#mailbox();
      case 'POST /progress':
        this.progress.push(JSON.parse(body.toString()) as JobProgress);
        return undefined;
      case 'POST /mailbox':
        this.messages.push(JSON.parse(body.toString()) as KeyRequestMessage);
        return {};
      case 'POST /transfers':
        return this.transferAddress(JSON.parse(body.toString()) as TransferRequest);
      case 'POST /results':
        this.result = JSON.parse(body.toString()) as JobResult;
        return undefined;
      default:
        if (!path.endsWith('/token')) throw new Error(`no such route: ${name}`);
        this.tokens.push((JSON.parse(body.toString()) as KeyRequestToken).token);
        return undefined;
    }
  }

  async #mailbox(): Promise<Mailbox> {
    this.#version += 1;
    const requests = this.messages.map(async message => {
      const reply = this.tokens.length === 0 ? undefined : await this.reply(message);
      return {
        request: digestOf(fromBase64(message.request)),
        tokensWanted: this.tokensWanted(),
        ...(reply === undefined ? {} : { reply })
      };
    });
    return { version: this.#version, requests: await Promise.all(requests) };
  }

  #address({ direction, digest }: TransferRequest): TransferAddress {
    const isDownload = direction === 'download';
    return {
      method: isDownload ? 'GET' : 'PUT',
      url: isDownload ? `${this.address}/sealed` : `${this.address}/objects/${digest}`,
      headers: isDownload ? {} : { 'content-type': 'application/octet-stream' },
      expires: '2099-01-01T00:00:00Z'
    };
  }

  /** Sends the sealed asset from the requested byte, or receives an object. */
  #transfer(request: IncomingMessage, path: string, body: Buffer, response: ServerResponse): void {
    if (request.method === 'PUT') {
      this.objects.set(path.slice('/objects/'.length), body);
      response.writeHead(200).end('{}');
      return;
    }
    const first = this.ranges ? Number(/bytes=([0-9]+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const rest = this.sealed.subarray(first);
    response.writeHead(first === 0 ? 200 : 206, { 'content-length': rest.length });
    const breakAfter = this.breaks.shift();
    if (breakAfter === undefined) response.end(rest);
    else response.write(rest.subarray(0, breakAfter), () => response.destroy());
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
