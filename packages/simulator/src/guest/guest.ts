import { setTimeout as delay } from 'node:timers/promises';
import { UnpackedLayers } from '../container/unpack.js';
import { removeTree } from '../container/remove-tree.js';
import type { LaunchPlan } from '../launch-policy/launch.js';
import { Launcher, PowerCut, scratchFolder, type LauncherOptions } from '../launcher/launcher.js';
import { LauncherLog, serialLine, type LauncherLogEntry } from '../launcher/log.js';
import { OutputTail } from './output-tail.js';

/** A machine that boots the image of Confidential Space, and the cloud around it. */
export interface GuestOptions extends Pick<
  LauncherOptions,
  'machine' | 'hardened' | 'findImage' | 'openIssuer' | 'service'
> {
  /** Returns the instance's custom metadata, which is read at each boot. */
  readonly metadata: () => LauncherOptions['metadata'];
  /** A private folder on a local file system other than overlayfs. Its content is removed when the guest ends. */
  readonly folder: string;
  /** The folder of unpacked layers, which all guests of a user share: each layer is read from its store only once. */
  readonly cacheDir: string;
  /** Writes an entry to the log `confidential-space-launcher`. */
  readonly log: (entry: LauncherLogEntry) => void;
  /** Writes a line to the first serial port. */
  readonly serial: (line: string) => void;
  /** Waits between the end of the launcher and power-off or reboot. By default, the two minutes of the real image pass. */
  readonly waitForShutdown?: (milliseconds: number) => Promise<void>;
}

/** A running guest. */
export interface Guest {
  /** Settles when the guest has powered its machine off, or has lost its power. Nothing of it is left then. */
  readonly ended: Promise<void>;
  /** Presses the power button (ACPI G2): the program gets SIGTERM. Without a program, nothing happens. */
  pressPowerButton(): void;
  /** Cuts the power (ACPI G3): everything ends at once. */
  cutPower(): void;
}

/** The time between the end of the launcher and power-off (go-tpm-tools, launcher/image/exit_script.sh). */
const SHUTDOWN_DELAY_MS = 120_000;

/**
 * Boots a machine: runs its image as Confidential Space's launcher does, in this process, and then powers the machine off, reboots
 * it or, with the debug image, leaves it on.
 */
export function bootGuest(options: GuestOptions): Guest {
  return new SimulatedGuest(options);
}

class SimulatedGuest implements Guest {
  readonly ended: Promise<void>;
  readonly #options: GuestOptions;
  readonly #log: LauncherLog;
  readonly #power = new AbortController();
  #launcher: Launcher | undefined;
  #tail: OutputTail | undefined;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#log = new LauncherLog(entry => {
      options.log(entry);
      options.serial(serialLine(entry, new Date()));
    });
    this.ended = this.#run();
  }

  pressPowerButton(): void {
    this.#launcher?.pressPowerButton();
  }

  cutPower(): void {
    this.#power.abort();
    this.#launcher?.cutPower();
  }

  async #run(): Promise<void> {
    try {
      while (await this.#boot());
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    } finally {
      await removeTree(this.#options.folder);
    }
  }

  /** Runs the launcher once. Returns whether the machine boots again. */
  async #boot(): Promise<boolean> {
    const { cacheDir, folder, metadata, waitForShutdown = delay } = this.#options;
    if (this.#power.signal.aborted) throw new PowerCut();
    this.#log.info('Boot completed', { duration_sec: 0 });
    const launcher = new Launcher({
      ...this.#options,
      metadata: metadata(),
      layers: new UnpackedLayers(cacheDir),
      log: this.#log,
      onContainer: (_, plan) => this.#follow(plan)
    });
    this.#launcher = launcher;
    try {
      const { action } = await launcher.run().finally(() => this.#tail?.end());
      const { signal } = this.#power;
      const cut = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new PowerCut()), { once: true });
        if (signal.aborted) reject(new PowerCut());
      });
      await Promise.race([action === 'hold' ? cut : waitForShutdown(SHUTDOWN_DELAY_MS), cut]);
      return action === 'reboot';
    } finally {
      this.#launcher = undefined;
      await removeTree(scratchFolder(folder));
    }
  }

  /** Passes on the output of the program, if the operator asked for it and the image allows it. */
  #follow({ logRedirect }: LaunchPlan): Promise<void> {
    const { folder, log, serial } = this.#options;
    this.#tail =
      logRedirect === 'false'
        ? undefined
        : new OutputTail(scratchFolder(folder), (stream, line) => {
            if (logRedirect !== 'cloud_logging') serial(line);
            const severity = stream === 'stdout' ? 'INFO' : 'ERROR';
            if (logRedirect !== 'serial') log({ severity, message: line, attributes: {} });
          });
    return Promise.resolve();
  }
}
