import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AttemptPlan, TeeBackend, TeeStatus } from '../../../src/coordinator/start.js';
import { newId } from '../../../src/platform/ids.js';
import { eventually } from '../../support/wait.js';

/** A kind of backend, prepared for its tests. */
export interface BackendUnderTest {
  /** Opens the backend as another process of the same deployment would. */
  open(): Promise<TeeBackend>;
  /** Opens the backend of another deployment that shares as much as possible with this one. */
  openForeign(): Promise<TeeBackend>;
  /** Returns the plan of an attempt. Its program runs until it is stopped, or ends by itself at once. */
  plan(attempt: string, program: 'waits' | 'ends'): AttemptPlan;
  /** A deadline that is short enough to wait for, in seconds. */
  readonly shortDeadlineSeconds: number;
  /** Lets this time pass for the machines. */
  passSeconds(seconds: number): Promise<void>;
  /** Returns the machine that an attestation token of a running attempt describes, as its verifier reads it. */
  attestedMachine(attempt: string): Promise<{ projectId: string; zone: string; instanceName: string }>;
  /** Ends the machine of an attempt as the provider of machines or a person would, without the backend. */
  kill(attempt: string): Promise<void>;
  dispose(): Promise<void>;
}

const WAIT_SECONDS = 60;
const TEST_MS = 120_000;

/**
 * Tests what the coordinator relies on in every backend: nothing starts twice or after it was stopped, another process sees and
 * stops what one process has started, and nothing of an attempt is left after its end.
 */
export function describeTeeBackend(name: string, prepare: () => Promise<BackendUnderTest>): void {
  describe(name, () => {
    let subject: BackendUnderTest;
    let backend: TeeBackend;

    beforeAll(async () => {
      subject = await prepare();
      backend = await subject.open();
    }, TEST_MS);

    afterAll(async () => {
      for (const attempt of await backend.list()) await backend.stop(attempt);
      await subject.dispose();
    }, TEST_MS);

    const newAttempt = (): string => newId(Date.now());
    const statusOf = async (attempt: string, seenBy = backend): Promise<TeeStatus> =>
      (await seenBy.statuses([attempt])).get(attempt) ?? { state: 'unknown' };
    const isGone = ({ state }: TeeStatus): boolean => state === 'ended' || state === 'unknown';
    const isUp = ({ state }: TeeStatus): boolean => state === 'starting' || state === 'running';
    const reached = (attempt: string, expected: (status: TeeStatus) => boolean): Promise<TeeStatus> =>
      eventually(async () => {
        const status = await statusOf(attempt);
        return expected(status) ? status : undefined;
      }, WAIT_SECONDS);
    const running = async (attempt: string): Promise<void> => {
      const status = await reached(attempt, ({ state }) => state === 'running' || state === 'ended');
      expect(status).toEqual({ state: 'running' });
    };

    test('says what it can start', () => {
      const { tees, shapes } = backend.capabilities;
      expect(tees.length).toBeGreaterThan(0);
      for (const tee of tees) {
        const sizes = shapes.filter(shape => shape.tee === tee).map(shape => shape.processors);
        expect(sizes.length).toBeGreaterThan(0);
        expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
      }
      expect(tees.includes('SIMULATED')).toBe(backend.sealedFor === 'simulation');
    });

    test(
      'starts an attempt that another process sees and stops',
      async () => {
        const attempt = newAttempt();
        expect(isUp(await backend.start(subject.plan(attempt, 'waits')))).toBe(true);
        expect(isUp(await statusOf(attempt))).toBe(true);
        expect(await backend.list()).toContain(attempt);

        const other = await subject.open();
        expect(isUp(await statusOf(attempt, other))).toBe(true);
        expect(await other.list()).toContain(attempt);
        await running(attempt);
        await other.stop(attempt);
        expect(isGone(await reached(attempt, isGone))).toBe(true);
        expect(await backend.list()).not.toContain(attempt);
        // A repeated stop, also by the process that started it, changes nothing.
        await backend.stop(attempt);
        await other.stop(attempt);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'starts an attempt once, also for calls at the same time and from several processes',
      async () => {
        const attempt = newAttempt();
        const plan = subject.plan(attempt, 'waits');
        const other = await subject.open();
        const statuses = await Promise.all([backend.start(plan), other.start(plan), backend.start(plan)]);
        expect(statuses.every(isUp)).toBe(true);
        await running(attempt);
        expect(isUp(await backend.start(plan))).toBe(true);
        expect((await backend.list()).filter(listed => listed === attempt)).toHaveLength(1);
        await backend.stop(attempt);
      },
      TEST_MS
    );

    test(
      'does not start an attempt again after its end',
      async () => {
        const attempt = newAttempt();
        const plan = subject.plan(attempt, 'waits');
        await backend.start(plan);
        await running(attempt);
        await backend.stop(attempt);
        await reached(attempt, isGone);
        expect(isUp(await backend.start(plan))).toBe(false);
        expect(isUp(await statusOf(attempt))).toBe(false);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'never starts an attempt that was stopped before',
      async () => {
        const attempt = newAttempt();
        await backend.stop(attempt);
        expect(isUp(await backend.start(subject.plan(attempt, 'waits')))).toBe(false);
        expect(isUp(await statusOf(attempt))).toBe(false);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'stops an attempt that is still starting',
      async () => {
        const attempt = newAttempt();
        await backend.start(subject.plan(attempt, 'waits'));
        await backend.stop(attempt);
        await reached(attempt, isGone);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'reports the end of a program, and keeps nothing of it after stop',
      async () => {
        const attempt = newAttempt();
        await backend.start(subject.plan(attempt, 'ends'));
        await reached(attempt, isGone);
        await backend.stop(attempt);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'ends an attempt at its deadline without being asked',
      async () => {
        const attempt = newAttempt();
        const deadlineSeconds = subject.shortDeadlineSeconds;
        await backend.start({ ...subject.plan(attempt, 'waits'), deadlineSeconds });
        await subject.passSeconds(deadlineSeconds);
        const end = await reached(attempt, isGone);
        if (end.state === 'ended') expect(end.reason).toBe('stopped');
        await eventually(async () => ((await backend.list()).includes(attempt) ? undefined : true));
      },
      TEST_MS
    );

    test(
      'notices a machine that ended without its help',
      async () => {
        const attempt = newAttempt();
        await backend.start(subject.plan(attempt, 'waits'));
        await running(attempt);
        await subject.kill(attempt);
        expect(isGone(await reached(attempt, isGone))).toBe(true);
        await backend.stop(attempt);
        expect(await backend.list()).not.toContain(attempt);
      },
      TEST_MS
    );

    test(
      'answers for many attempts at once, one entry for each',
      async () => {
        const [up, stopped] = [newAttempt(), newAttempt()];
        const unknown = Array.from({ length: 200 }, newAttempt);
        await backend.start(subject.plan(up, 'waits'));
        await backend.start(subject.plan(stopped, 'waits'));
        await backend.stop(stopped);
        await reached(stopped, isGone);
        const statuses = await backend.statuses([up, ...unknown, stopped]);
        expect([...statuses.keys()].sort()).toEqual([up, stopped, ...unknown].sort());
        expect(isUp(statuses.get(up)!)).toBe(true);
        expect(isUp(statuses.get(stopped)!)).toBe(false);
        expect(unknown.every(attempt => statuses.get(attempt)?.state === 'unknown')).toBe(true);
        expect(await backend.statuses([])).toEqual(new Map());
        await backend.stop(up);
      },
      TEST_MS
    );

    test(
      'knows the machine that the attempt’s tokens describe',
      async () => {
        const attempt = newAttempt();
        await backend.start(subject.plan(attempt, 'waits'));
        await running(attempt);
        expect(await backend.machineOf(attempt)).toEqual(await subject.attestedMachine(attempt));
        // A process that has not started it expects the same machine.
        expect(await (await subject.open()).machineOf(attempt)).toMatchObject({
          projectId: (await subject.attestedMachine(attempt)).projectId
        });
        const another = await backend.machineOf(newAttempt());
        expect(another.instanceName).not.toBe((await backend.machineOf(attempt)).instanceName);
        await backend.stop(attempt);
      },
      TEST_MS
    );

    test(
      'neither lists nor stops the attempts of another deployment',
      async () => {
        const attempt = newAttempt();
        await backend.start(subject.plan(attempt, 'waits'));
        await running(attempt);
        const foreign = await subject.openForeign();
        expect(await foreign.list()).not.toContain(attempt);
        await foreign.stop(attempt);
        expect((await statusOf(attempt)).state).toBe('running');
        await backend.stop(attempt);
      },
      TEST_MS
    );
  });
}
