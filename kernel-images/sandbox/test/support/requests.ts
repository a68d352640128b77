import type { CellResult, SandboxEnd } from '../../src/notebook/results.js';
import type { ProbeReport } from '../../src/probe/probe.js';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import type { SandboxLimits } from '../../src/warden/limits.js';

interface Common {
  readonly profile: SandboxProfile;
  readonly uid: number;
}

/** What a test asks the driver in the container to do. */
export type Request =
  | (Common & {
      readonly action: 'notebook';
      readonly cells: readonly string[];
      readonly limits: SandboxLimits;
      /** Files that the workspace brings, by their path inside the jail. */
      readonly files: Readonly<Record<string, string>>;
      /** A file of the supervisor's own, outside the jail. */
      readonly secretFile: { readonly path: string; readonly content: string };
      /** Paths in the container whose sizes are taken twice after the end: a survivor would make them grow. */
      readonly watched: readonly string[];
      /** After so long the warden is killed, as if the kernel had run out of memory and chosen it. */
      readonly killWardenAfterMs: number | null;
    })
  | (Common & {
      readonly action: 'probe';
      readonly limits: SandboxLimits;
      /** Another policy than the image's, in base64. */
      readonly policy: string | null;
    })
  | (Common & { readonly action: 'decode'; readonly images: readonly string[]; readonly maxPixels: number });

export type DecodeAnswer =
  { readonly width: number; readonly height: number; readonly rgba: string } | { readonly refused: string };

export interface NotebookAnswer {
  readonly cells: readonly CellResult[];
  readonly end: SandboxEnd;
  readonly watched: readonly { readonly before: number; readonly after: number }[];
}

export interface ProbeAnswer {
  readonly probe: ProbeReport;
  /** What the gate said: null when it let pass. */
  readonly refusal: string | null;
}

export interface FailedAnswer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

export type Answer =
  NotebookAnswer | ProbeAnswer | { readonly images: readonly DecodeAnswer[] } | FailedAnswer;
