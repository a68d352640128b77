/** The facts that a guest boots with. */
export interface GuestSpec {
  /** The identity of the machine, as it appears in attestation tokens. */
  readonly instance: {
    readonly name: string;
    readonly id: string;
    readonly zone: string;
    readonly projectId: string;
    readonly projectNumber: string;
  };
  readonly machine: {
    readonly type: string;
    readonly processors: number;
    readonly memoryBytes: number;
    /** The technology that isolates it; undefined on ordinary machines. */
    readonly tee: 'SEV' | 'SEV_SNP' | 'TDX' | undefined;
  };
  /** The boot image, such as `confidential-space-260800`. */
  readonly bootImage: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The instance's metadata, such as `tee-image-reference` and `tee-env-NAME`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly serviceAccount: string | undefined;
  /** Returns a fresh access token of the service account, for the registry. */
  readonly accessToken: () => string;
}

/** An entry of the launcher's log. */
export interface LauncherEntry {
  readonly severity: 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

/** The machine as its guest sees it. */
export interface GuestMachine {
  /** Writes a line to serial port 1. */
  serial(line: string): void;
  /** Writes an entry to the log `confidential-space-launcher`. */
  log(entry: LauncherEntry): void;
  /** Resolves after a delay in milliseconds of the cloud's clock. */
  sleep(milliseconds: number): Promise<void>;
}

/** A guest that runs. */
export interface Guest {
  /** Settles when the guest has powered its machine off. */
  readonly ended: Promise<void>;
  /** Presses the machine's power button (ACPI G2): the guest may shut down in an orderly way. */
  pressPowerButton(): void;
  /** Cuts the power (ACPI G3): the guest ends at once. */
  cutPower(): void;
}

/** The software of machines. */
export interface GuestSystem {
  /** Boots a guest. */
  boot(spec: GuestSpec, machine: GuestMachine): Guest;
}
