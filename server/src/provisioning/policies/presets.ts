import type { PolicyFile } from '@clean-room/api/custodian';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** The δ of all differentially private stand-ins, as decimal text. */
export const STAND_IN_DELTA = '0.000000001';

// ρ as OpenDP converts it: `python -m clean_room_synthesis.budget 0.000000001 1 3 10`.
const EPSILON_3 = { rho: '0.120582428912', epsilon: '3', delta: STAND_IN_DELTA };
const EPSILON_10 = { rho: '1.090785704398', epsilon: '10', delta: STAND_IN_DELTA };

/** A starting point for a policy, with an explanation for the provider. */
export interface PolicyPreset {
  readonly name: string;
  /** The policy in sentences, for the provider who chooses. */
  readonly explanation: string;
  /** The number of days that the policy is valid. */
  readonly days: number;
  readonly run: PolicyFile['run'];
  readonly outputs: PolicyFile['outputs'];
  /** The privacy that all differentially private stand-ins may spend together. */
  readonly privacy: PolicyFile['privacy'];
}

const TEXT_AND_PICTURES = ['text/plain', 'text/html', 'text/markdown', 'image/png'];

const PRESETS: readonly PolicyPreset[] = [
  {
    name: 'health-research',
    explanation:
      'For data about patients. A text may show at most two values of one row; anything closer to a row is suppressed. Each approval allows one run of up to an hour, and one spare start. Times are rounded to five minutes. Stand-ins may spend ε = 3.',
    days: 365,
    run: { wallSeconds: 3600, memoryBytes: 8 * GIB, timeGridSeconds: 300, runs: 1, spareStarts: 1 },
    outputs: {
      mimeTypes: TEXT_AND_PICTURES,
      bytesPerOutput: MIB,
      bytesPerRun: 8 * MIB,
      outputsPerRun: 50,
      review: 'none',
      valuesPerRow: 2
    },
    privacy: EPSILON_3
  },
  {
    name: 'advertising-measurement',
    explanation:
      'For data about customers and campaigns. A text may show at most three values of one row. Each approval allows up to ten runs of up to 30 minutes, so that a report can be repeated. Pictures do not leave. Stand-ins may spend ε = 3.',
    days: 180,
    run: { wallSeconds: 1800, memoryBytes: 8 * GIB, timeGridSeconds: 60, runs: 10, spareStarts: 2 },
    outputs: {
      mimeTypes: ['text/plain', 'text/html'],
      bytesPerOutput: MIB / 4,
      bytesPerRun: 2 * MIB,
      outputsPerRun: 30,
      review: 'none',
      valuesPerRow: 3
    },
    privacy: EPSILON_3
  },
  {
    name: 'open-data',
    explanation:
      'For data that may be public, where only the use is recorded. Outputs may show up to 1,000 values of one row. Each approval allows up to 100 runs of up to two hours. Stand-ins may spend ε = 10.',
    days: 730,
    run: { wallSeconds: 7200, memoryBytes: 16 * GIB, timeGridSeconds: 1, runs: 100, spareStarts: 10 },
    outputs: {
      mimeTypes: [...TEXT_AND_PICTURES, 'image/jpeg', 'application/json', 'text/latex'],
      bytesPerOutput: 4 * MIB,
      bytesPerRun: 64 * MIB,
      outputsPerRun: 500,
      review: 'none',
      valuesPerRow: 1000
    },
    privacy: EPSILON_10
  }
];

/** The presets, the strictest first. */
export const POLICY_PRESETS: ReadonlyMap<string, PolicyPreset> = new Map(
  PRESETS.map(preset => [preset.name, preset])
);
