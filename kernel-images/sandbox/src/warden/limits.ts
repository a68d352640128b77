/** The limits of one run. They are enforced from outside the notebook, and exceeding one of them ends the run. */
export interface SandboxLimits {
  /** Memory of all processes together. A single process that requests more gets a MemoryError. */
  readonly memoryBytes: number;
  /** New bytes on each file system that the sandbox can write to; also the maximum size of one file. */
  readonly diskBytes: number;
  /** Number of new files and folders. */
  readonly inodes: number;
  /** Number of processes and threads at the same time. */
  readonly processes: number;
  /** Number of open files of one process. */
  readonly openFiles: number;
  /** Time of the whole run, from the start of the sandbox to its end. */
  readonly wallSeconds: number;
  /** Time of one cell. The cell is then interrupted; if it continues, the sandbox is killed. */
  readonly cellSeconds: number;
  /** Bytes of all frames and raw output of one cell. */
  readonly outputBytesPerCell: number;
  /** Number of outputs of one cell. */
  readonly outputsPerCell: number;
}

/** Memory that the machine always keeps available, so that the sandbox runs out of memory and not the supervisor. */
export const MEMORY_FLOOR_BYTES = 512 * 1024 * 1024;

/** Folders of the jail that the sandbox can write to. */
export const WRITABLE_FOLDERS = ['/nb', '/tmp', '/dev/shm'] as const;
