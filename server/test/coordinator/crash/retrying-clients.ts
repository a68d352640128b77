import { expect } from '@jest/globals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import type { DecisionState, RevisionState, RunState } from '@clean-room/protocol/runs';
import { routes } from '@clean-room/api/coordinator';
import type { Client } from '@clean-room/api';
import type { TestDeployment } from '../../support/deployment.js';
import type { TestAsset, TestParty } from '../../support/parties.js';
import { keyRelease, TestSupervisor } from '../../support/supervisor.js';
import type { Kill, KilledCoordinator } from './killed-coordinator.js';

export type TransitionName = `revision ${RevisionState}` | `decision ${DecisionState}` | `run ${RunState}`;

/** The death right before the commit that makes a transition, and the one right behind it. */
export const around = (transition: TransitionName): Kill[] => [
  { moment: 'before-commit', transition },
  { moment: 'after-commit', transition }
];

export interface Started {
  readonly submission: string;
  readonly run: string;
  readonly supervisor: TestSupervisor;
}

const because = { reason: 'because' };

/** Everybody who calls the coordinator, and repeats each call under its idempotency key until it has been answered. */
export class RetryingClients {
  readonly #deployment: TestDeployment;
  readonly #killed: KilledCoordinator;
  readonly #seen = new Set<string>();
  #step = 0;

  constructor(deployment: TestDeployment, killed: KilledCoordinator) {
    this.#deployment = deployment;
    this.#killed = killed;
  }

  /** Repeats `work` through crashes of the coordinator until it has been done. */
  async retry<T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = `step-${String(++this.#step).padStart(8, '0')}`;
    for (let tries = 0; ; tries++) {
      try {
        return await this.#killed.whileRunning(work(key));
      } catch (error) {
        if (!isCleanRoomError(error, 'unavailable') || tries > 50) throw error;
        await this.#killed.restartIfKilled();
      }
    }
  }

  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 120_000;
    for (;;) {
      const found = await this.retry(look);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error('nothing came within two minutes');
      await this.#killed.restartIfKilled();
      await new Promise(resolve => setTimeout(resolve, 30));
    }
  }

  /** Waits until the coordinator was killed as often as it was to be, and killed again. */
  async dead(): Promise<void> {
    await this.until(async () => (this.#killed.due.length === 0 ? true : undefined));
  }

  /** Has the coordinator killed around each commit in which `work` makes the transition. */
  async killed<T>(transition: TransitionName, work: () => Promise<T>): Promise<T> {
    await this.#killed.arm(...around(transition));
    const value = await work();
    await this.dead();
    return value;
  }

  university(): Client {
    return this.#deployment.person(this.#deployment.parties.university);
  }

  reviewer(): Client {
    return this.#deployment.person(this.#deployment.parties.hospital);
  }

  submission(id: string) {
    return this.retry(() => this.university().call(routes.getSubmission, { params: { id } }));
  }

  async submit(assets: readonly TestAsset[]): Promise<string> {
    const notebook = utf8(`print(${this.#step})`);
    const body = await this.#deployment.sign(this.#deployment.specOf(assets, notebook), notebook);
    const params = { digest: digestOf(notebook) };
    await this.retry(() => this.university().upload(routes.putObject, { params }, notebook));
    const { id } = await this.retry(idempotencyKey =>
      this.university().call(routes.createSubmission, { body, idempotencyKey })
    );
    return id;
  }

  async approve(provider: TestParty, id: string, expires = '2097-01-01T00:00:00Z'): Promise<void> {
    const body = await this.retry(() => this.#deployment.approval(provider, id, { expires }));
    await this.retry(idempotencyKey =>
      this.#deployment.custodian(provider).call(routes.approve, { params: { id }, body, idempotencyKey })
    );
  }

  async requestChanges(id: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.reviewer().call(routes.requestChanges, { params: { id }, body: because, idempotencyKey })
    );
  }

  async reject(id: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.reviewer().call(routes.reject, { params: { id }, body: because, idempotencyKey })
    );
  }

  async withdraw(id: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.university().call(routes.withdraw, { params: { id }, idempotencyKey })
    );
  }

  async cancel(run: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.university().call(routes.cancelRun, { params: { id: run }, idempotencyKey })
    );
  }

  async withholdOutputs(run: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.#deployment
        .custodian(this.#deployment.parties.hospital)
        .call(routes.withholdOutputs, { params: { id: run }, body: because, idempotencyKey })
    );
  }

  async releaseOutputs(run: string, outputRelease: Envelope): Promise<void> {
    await this.retry(idempotencyKey =>
      this.#deployment
        .custodian(this.#deployment.parties.hospital)
        .call(routes.releaseOutputs, { params: { id: run }, body: { outputRelease }, idempotencyKey })
    );
  }

  async reaches(run: string, state: RunState): Promise<void> {
    await this.until(async () => {
      const found = await this.retry(() => this.university().call(routes.getRun, { params: { id: run } }));
      return found.state === state ? true : undefined;
    });
  }

  async receipt(run: string): Promise<void> {
    await this.retry(() => this.university().downloadBytes(routes.getReceipt, { params: { id: run } }));
  }

  /** The run of an approved submission, once its TEE is there. */
  async started(id: string): Promise<Started> {
    const attempt = await this.until(async () =>
      (await this.#killed.starts()).find(attempt => !this.#seen.has(attempt))
    );
    this.#seen.add(attempt);
    const { runs, revisions } = await this.submission(id);
    const { image } = revisions.at(-1)!;
    const limits = { processors: 1, memoryBytes: 1, wallSeconds: 1 };
    const job = await this.until(() => this.#killed.job(attempt));
    // A supervisor talks to whichever coordinator killed.
    const reach = () => this.#deployment.supervisor();
    const supervisor = new TestSupervisor(reach, { attempt, image, job, ...limits });
    return { submission: id, run: runs.at(-1)!.id, supervisor };
  }

  async approvedRun(asset: TestAsset): Promise<Started> {
    const id = await this.submit([asset]);
    await this.approve(this.#deployment.parties.hospital, id);
    return this.started(id);
  }

  awaitKeys({ supervisor }: Started): Promise<void> {
    return this.retry(() => supervisor.reportProgress({ phase: 'awaiting-keys' }));
  }

  runCell({ supervisor }: Started): Promise<void> {
    return this.retry(() => supervisor.reportProgress({ phase: 'running', cell: 1, cells: 2 }));
  }

  stop({ supervisor }: Started): Promise<void> {
    return this.retry(() => supervisor.reportProgress({ phase: 'stopped', reason: 'sandbox-unsafe' }));
  }

  async #specOf(id: string): Promise<Uint8Array> {
    return fromBase64((await this.submission(id)).revisions[0]!.spec);
  }

  async deliver(
    { submission, supervisor }: Started,
    keys: Envelope[] = [],
    reviewers: string[] = [this.#deployment.parties.hospital.custodian.publicKey]
  ): Promise<JobResult> {
    const spec = await this.#specOf(submission);
    const result = await this.retry(() => supervisor.uploadOutput(spec, keys, { reviewers }));
    await this.retry(() => supervisor.postResult(result));
    return result;
  }

  async askForKeys({ submission, supervisor }: Started): Promise<Envelope[]> {
    const spec = await this.#specOf(submission);
    const document = await this.retry(() => supervisor.document());
    const keys: Envelope[] = [];
    const { hospital, insurer } = this.#deployment.parties;
    for (const [index, custodian] of [hospital, insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await this.retry(() => supervisor.sendKeyRequest(message));
      const answer = keyRelease(custodian, message);
      await this.retry(idempotencyKey =>
        this.#deployment
          .custodian(custodian)
          .call(routes.answerKeyRequest, { params: { request }, body: { answer }, idempotencyKey })
      );
      expect(await this.retry(() => supervisor.keyReply(request))).toEqual({ answer });
      keys.push(answer);
    }
    return keys;
  }
}
