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
import { keyRelease, type TestSupervisor } from '../../support/supervisor.js';
import type { Kill, KilledCoordinator } from './killed-coordinator.js';

export type TransitionName = `revision ${RevisionState}` | `decision ${DecisionState}` | `run ${RunState}`;

/** Returns a kill just before the commit of a transition, and one just after it. */
export const beforeAndAfter = (transition: TransitionName): Kill[] => [
  { point: 'before-commit', transition },
  { point: 'after-commit', transition }
];

/** A run whose TEE has started. */
export interface Started {
  readonly submission: string;
  readonly run: string;
  readonly attempt: string;
  readonly supervisor: TestSupervisor;
}

const BODY_WITH_REASON = { reason: 'because' };

/** The coordinator that the clients talk to: one process, or several replicas. */
export type TestedCoordinator = Pick<
  KilledCoordinator,
  'whileRunning' | 'restartIfKilled' | 'pendingKills' | 'arm' | 'starts' | 'job'
>;

/** All clients of a coordinator. They repeat each request with its idempotency key until it is answered. */
export class RetryingClients {
  readonly #deployment: TestDeployment;
  readonly #coordinator: TestedCoordinator;
  readonly #seen = new Set<string>();
  #step = 0;

  constructor(deployment: TestDeployment, coordinator: TestedCoordinator) {
    this.#deployment = deployment;
    this.#coordinator = coordinator;
  }

  /** Repeats `work` until it succeeds, although the coordinator is killed in between. */
  async retry<T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = `step-${String(++this.#step).padStart(8, '0')}`;
    for (let tries = 0; ; tries++) {
      try {
        return await this.#coordinator.whileRunning(work(key));
      } catch (error) {
        if (!isCleanRoomError(error, 'unavailable') || tries > 50) throw error;
        await this.#coordinator.restartIfKilled();
      }
    }
  }

  /** Calls `look` until it returns a value other than undefined. */
  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 120_000;
    for (;;) {
      const found = await this.retry(look);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error('no value within two minutes');
      await this.#coordinator.restartIfKilled();
      await new Promise(resolve => setTimeout(resolve, 30));
    }
  }

  /** Waits until all planned kills have happened, and the coordinator is running again. */
  async allKillsDone(): Promise<void> {
    await this.until(async () => (this.#coordinator.pendingKills.length === 0 ? true : undefined));
  }

  /** Kills the coordinator before and after the commit with which `work` makes the transition. */
  async withKills<T>(transition: TransitionName, work: () => Promise<T>): Promise<T> {
    await this.#coordinator.arm(...beforeAndAfter(transition));
    const value = await work();
    await this.allKillsDone();
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
      this.reviewer().call(routes.requestChanges, { params: { id }, body: BODY_WITH_REASON, idempotencyKey })
    );
  }

  async reject(id: string): Promise<void> {
    await this.retry(idempotencyKey =>
      this.reviewer().call(routes.reject, { params: { id }, body: BODY_WITH_REASON, idempotencyKey })
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
        .call(routes.withholdOutputs, { params: { id: run }, body: BODY_WITH_REASON, idempotencyKey })
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

  /** Waits until the TEE of an approved submission has started, and returns its run. */
  async started(id: string): Promise<Started> {
    const attempt = await this.until(async () =>
      (await this.#coordinator.starts()).find(attempt => !this.#seen.has(attempt))
    );
    this.#seen.add(attempt);
    const { runs, revisions } = await this.submission(id);
    const { image } = revisions.at(-1)!;
    const job = await this.until(() => this.#coordinator.job(attempt));
    const supervisor = this.#deployment.supervisor({ attempt, image, job });
    return { submission: id, run: runs.at(-1)!.id, attempt, supervisor };
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

  async requestKeys({ submission, supervisor }: Started): Promise<Envelope[]> {
    const spec = await this.#specOf(submission);
    const document = await this.retry(() => supervisor.document());
    const keys: Envelope[] = [];
    const { hospital, insurer } = this.#deployment.parties;
    for (const [index, custodian] of [hospital, insurer].entries()) {
      const message = await supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
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
