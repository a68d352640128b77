import { toTimestamp, type PublicKey } from '@clean-room/protocol/documents';
import type { Digest } from '@clean-room/protocol/bytes';
import type { PolicyFile } from '@clean-room/api/custodian';
import type { DemoProvider } from './providers.js';

const ONE_YEAR_MS = 365 * 86_400_000;
const MIB = 1024 ** 2;

/** The parts of the demo's policy that depend on the machine. */
export interface DemoPolicyOptions {
  /** The parties that may use the data. */
  readonly parties: readonly string[];
  readonly kernelImages: readonly Digest[];
  readonly kernelImageSigner: PublicKey;
  /** The SHA-256 digest of the simulator's root certificate. */
  readonly simulatorRoot: Digest;
  readonly now: Date;
}

/** Returns the policy of a provider's dataset. It accepts only the simulator, so that the data can never go to a real TEE. */
export function demoPolicy(provider: DemoProvider, demo: DemoPolicyOptions): PolicyFile {
  return {
    parties: [...demo.parties],
    purposes: [...provider.purposes],
    validUntil: toTimestamp(new Date(demo.now.getTime() + ONE_YEAR_MS)),
    kernelImages: { digests: [...demo.kernelImages], signers: [demo.kernelImageSigner] },
    tee: {
      rule: 'assertion.swname == "CONFIDENTIAL_SPACE" && assertion.hwmodel == "SIMULATED"',
      roots: [{ kind: 'simulated', certificate: demo.simulatorRoot }],
      sandboxProfiles: ['second-uid', 'nested-namespace']
    },
    run: {
      wallSeconds: provider.wallSeconds,
      memoryBytes: 4096 * MIB,
      timeGridSeconds: 60,
      runs: 3,
      spareStarts: 1
    },
    outputs: {
      mimeTypes: ['text/plain', 'text/html', 'text/markdown', 'image/png'],
      bytesPerOutput: MIB,
      bytesPerRun: 16 * MIB,
      outputsPerRun: provider.outputsPerRun,
      review: 'none',
      valuesPerRow: 3
    },
    privacy: { rho: '0.120582428912', epsilon: '3', delta: '0.000000001' },
    coHosted: true
  };
}
