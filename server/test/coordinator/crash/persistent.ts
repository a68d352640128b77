import { expect } from '@jest/globals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import type { DecisionState, RevisionState, RunState } from '@clean-room/protocol/runs';
import { routes } from '@clean-room/api/coordinator';
import type { Client } from '@clean-room/api';
import type { World } from '../../support/coordinator.js';
import type { TestAsset, TestParty } from '../../support/parties.js';
import { keyRelease, TestSupervisor } from '../../support/supervisor.js';
import type { Kill, Lives } from './life.js';

export type Move = `revision ${RevisionState}` | `decision ${DecisionState}` | `run ${RunState}`;

/** The death right before the commit that makes a move, and the one right behind it. */
export const around = (move: Move): Kill[] => [
  { moment: 'before-commit', move },
  { moment: 'after-commit', move }
];

export interface Started {
  readonly submission: string;
  readonly run: string;
  readonly supervisor: TestSupervisor;
}

const because = { reason: 'because' };

/** Everybody who calls the coordinator, and repeats each call under its idempotency key until it has been answered. */
export class PersistentCallers {
  readonly #world: World;
  readonly #lives: Lives;
  readonly #seen = new Set<string>();
  #step = 0;

  constructor(world: World, lives: Lives) {
    this.#world = world;
    this.#lives = lives;
  }

  /** Repeats `work` through deaths of the coordinator until it has been done. */
  async persist<T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = `step-${String(++this.#step).padStart(8, '0')}`;
    for (let tries = 0; ; tries++) {
      try {
        return await this.#lives.whileAlive(work(key));
      } catch (error) {
        if (!isCleanRoomError(error, 'unavailable') || tries > 50) throw error;
        await this.#lives.beginAgainIfOver();
      }
    }
  }

  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 120_000;
    for (;;) {
      const found = await this.persist(look);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error('nothing came within two minutes');
      await this.#lives.beginAgainIfOver();
      await new Promise(resolve => setTimeout(resolve, 30));
    }
  }

  /** Waits until the coordinator was killed as often as it was to be, and lives again. */
  async dead(): Promise<void> {
    await this.until(async () => (this.#lives.due.length === 0 ? true : undefined));
  }

  /** Has the coordinator killed around each commit in which `work` makes the move. */
  async killed<T>(move: Move, work: () => Promise<T>): Promise<T> {
    await this.#lives.arm(...around(move));
    const value = await work();
    await this.dead();
    return value;
  }

  university(): Client {
    return this.#world.person(this.#world.parties.university);
  }

  reviewer(): Client {
    return this.#world.person(this.#world.parties.hospital);
  }

  submission(id: string) {
    return this.persist(() => this.university().call(routes.getSubmission, { params: { id } }));
  }

  async submit(assets: readonly TestAsset[]): Promise<string> {
    const notebook = utf8(`print(${this.#step})`);
    const body = await this.#world.sign(this.#world.specOf(assets, notebook), notebook);
    const params = { digest: digestOf(notebook) };
    await this.persist(() => this.university().upload(routes.putObject, { params }, notebook));
    const { id } = await this.persist(idempotencyKey =>
      this.university().call(routes.createSubmission, { body, idempotencyKey })
    );
    return id;
  }

  async approve(provider: TestParty, id: string, expires = '2097-01-01T00:00:00Z'): Promise<void> {
    const body = await this.persist(() => this.#world.approval(provider, id, { expires }));
    await this.persist(idempotencyKey =>
      this.#world.custodian(provider).call(routes.approve, { params: { id }, body, idempotencyKey })
    );
  }

  async requestChanges(id: string): Promise<void> {
    await this.persist(idempotencyKey =>
      this.reviewer().call(routes.requestChanges, { params: { id }, body: because, idempotencyKey })
    );
  }

  async reject(id: string): Promise<void> {
    await this.persist(idempotencyKey =>
      this.reviewer().call(routes.reject, { params: { id }, body: because, idempotencyKey })
    );
  }

  async withdraw(id: string): Promise<void> {
    await this.persist(idempotencyKey =>
      this.university().call(routes.withdraw, { params: { id }, idempotencyKey })
    );
  }

  async cancel(run: string): Promise<void> {
    await this.persist(idempotencyKey =>
      this.university().call(routes.cancelRun, { params: { id: run }, idempotencyKey })
    );
  }

  async withholdOutputs(run: string): Promise<void> {
    await this.persist(idempotencyKey =>
      this.#world
        .custodian(this.#world.parties.hospital)
        .call(routes.withholdOutputs, { params: { id: run }, body: because, idempotencyKey })
    );
  }

  async releaseOutputs(run: string, outputRelease: Envelope): Promise<void> {
    await this.persist(idempotencyKey =>
      this.#world
        .custodian(this.#world.parties.hospital)
        .call(routes.releaseOutputs, { params: { id: run }, body: { outputRelease }, idempotencyKey })
    );
  }

  async reaches(run: string, state: RunState): Promise<void> {
    await this.until(async () => {
      const found = await this.persist(() => this.university().call(routes.getRun, { params: { id: run } }));
      return found.state === state ? true : undefined;
    });
  }

  async receipt(run: string): Promise<void> {
    await this.persist(() => this.university().downloadBytes(routes.getReceipt, { params: { id: run } }));
  }

  /** The run of an approved submission, once its TEE is there. */
  async started(id: string): Promise<Started> {
    const attempt = await this.until(async () =>
      (await this.#lives.starts()).find(attempt => !this.#seen.has(attempt))
    );
    this.#seen.add(attempt);
    const { runs, revisions } = await this.submission(id);
    const { image } = revisions.at(-1)!;
    const limits = { processors: 1, memoryBytes: 1, wallSeconds: 1 };
    const job = await this.until(() => this.#lives.job(attempt));
    // A supervisor talks to whichever coordinator lives.
    const reach = () => this.#world.supervisor();
    const supervisor = new TestSupervisor(reach, { attempt, image, job, ...limits });
    return { submission: id, run: runs.at(-1)!.id, supervisor };
  }

  async approvedRun(asset: TestAsset): Promise<Started> {
    const id = await this.submit([asset]);
    await this.approve(this.#world.parties.hospital, id);
    return this.started(id);
  }

  awaitKeys({ supervisor }: Started): Promise<void> {
    return this.persist(() => supervisor.progress({ phase: 'awaiting-keys' }));
  }

  runCell({ supervisor }: Started): Promise<void> {
    return this.persist(() => supervisor.progress({ phase: 'running', cell: 1, cells: 2 }));
  }

  stop({ supervisor }: Started): Promise<void> {
    return this.persist(() => supervisor.progress({ phase: 'stopped', reason: 'sandbox-unsafe' }));
  }

  async #specOf(id: string): Promise<Uint8Array> {
    return fromBase64((await this.submission(id)).revisions[0]!.spec);
  }

  async deliver(
    { submission, supervisor }: Started,
    keys: Envelope[] = [],
    reviewers: string[] = [this.#world.parties.hospital.custodian.publicKey]
  ): Promise<JobResult> {
    const spec = await this.#specOf(submission);
    const result = await this.persist(() => supervisor.put(spec, keys, { reviewers }));
    await this.persist(() => supervisor.post(result));
    return result;
  }

  async askForKeys({ submission, supervisor }: Started): Promise<Envelope[]> {
    const spec = await this.#specOf(submission);
    const document = await this.persist(() => supervisor.document());
    const keys: Envelope[] = [];
    const { hospital, insurer } = this.#world.parties;
    for (const [index, custodian] of [hospital, insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await this.persist(() => supervisor.ask(message));
      const answer = keyRelease(custodian, message);
      await this.persist(idempotencyKey =>
        this.#world
          .custodian(custodian)
          .call(routes.answerKeyRequest, { params: { request }, body: { answer }, idempotencyKey })
      );
      expect(await this.persist(() => supervisor.reply(request))).toEqual({ answer });
      keys.push(answer);
    }
    return keys;
  }
}
