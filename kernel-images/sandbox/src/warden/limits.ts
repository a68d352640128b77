/** What one run may use. Each limit ends the run when it is broken; none is a request to the notebook. */
export interface SandboxLimits {
  /** All processes together; also the most that one of them can ask for (it then gets a MemoryError). */
  readonly memoryBytes: number;
  /** New bytes on any file system that the sandbox can write to; also the size of its largest file. */
  readonly diskBytes: number;
  /** New files and folders. */
  readonly inodes: number;
  /** Processes and threads. */
  readonly processes: number;
  /** Open files of one process. */
  readonly openFiles: number;
  /** From start to end, all cells together. */
  readonly wallSeconds: number;
  /** One cell: it is interrupted then, and everything is killed if that does not help. */
  readonly cellSeconds: number;
  /** Frames and raw output of one cell. */
  readonly outputBytesPerCell: number;
  readonly outputsPerCell: number;
}

/** What the machine always keeps available, so that the sandbox and not the supervisor is what runs out of memory. */
export const MEMORY_FLOOR_BYTES = 512 * 1024 * 1024;

/** Folders of the jail that the sandbox can write to. */
export const WRITABLE_FOLDERS = ['/nb', '/tmp', '/dev/shm'] as const;
