import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { openIdentity, type SimulatorIdentity } from '@clean-room/simulator';

let identity: Promise<SimulatorIdentity> | undefined;

/** Returns the identity that signs the tokens of all tests. Its large keys are made once per machine. */
export function testSimulator(): Promise<SimulatorIdentity> {
  return (identity ??= openIdentity(path.join(tmpdir(), `clean-room-test-simulator-${userInfo().username}`)));
}
