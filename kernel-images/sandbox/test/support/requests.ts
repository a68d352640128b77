import type { CellResult, SandboxEnd } from '../../src/notebook/results.js';
import type { ProbeReport } from '../../src/probe/probe.js';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import type { SandboxLimits } from '../../src/warden/limits.js';

interface Common {
  readonly profile: SandboxProfile;
  readonly uid: number;
}

/** A request of a test to the driver in the container. */
export type DriverRequest =
  | (Common & {
      readonly action: 'notebook';
      readonly cells: readonly string[];
      readonly limits: SandboxLimits;
      /** Contents of workspace files, by their paths inside the jail. */
      readonly files: Readonly<Record<string, string>>;
      /** A file of the supervisor, outside the jail. */
      readonly secretFile: { readonly path: string; readonly content: string };
      /** Paths in the container whose sizes are read twice after the end: a surviving process would make them grow. */
      readonly watched: readonly string[];
      /** Time after which the warden is killed, as the kernel would do when it runs out of memory. */
      readonly killWardenAfterMs: number | null;
    })
  | (Common & {
      readonly action: 'probe';
      readonly limits: SandboxLimits;
      /** A policy that replaces that of the image, in base64. */
      readonly policy: string | null;
    })
  | (Common & { readonly action: 'decode'; readonly images: readonly string[]; readonly maxPixels: number });

/** The pixels of an image in base64, or the code of an error. */
export type DecodeResponse =
  { readonly width: number; readonly height: number; readonly rgba: string } | { readonly refused: string };

/** The result of a notebook. */
export interface NotebookResponse {
  readonly cells: readonly CellResult[];
  readonly end: SandboxEnd;
  readonly watched: readonly { readonly before: number; readonly after: number }[];
}

/** The result of the probe. */
export interface ProbeResponse {
  readonly probe: ProbeReport;
  /** The error of {@link requireProbe}; null when it passed. */
  readonly refusal: string | null;
}

/** The error of a request that failed. */
interface ErrorResponse {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** A response of the driver. */
export type DriverResponse =
  NotebookResponse | ProbeResponse | { readonly images: readonly DecodeResponse[] } | ErrorResponse;
