/** A task that a clock runs later. */
export interface Scheduled {
  cancel(): void;
}

/** The longest delay that setTimeout takes, in milliseconds. */
const LONGEST_TIMER = 0x7fffffff;

class Task implements Scheduled {
  timer: NodeJS.Timeout | undefined;

  constructor(
    readonly at: number,
    readonly tasks: Set<Task>,
    readonly work: () => void
  ) {
    tasks.add(this);
  }

  run(): void {
    this.cancel();
    this.work();
  }

  cancel(): void {
    this.tasks.delete(this);
    clearTimeout(this.timer);
  }
}

/**
 * The time of the fake cloud: the machine's time plus what a test has added with `advance`. So latencies pass by themselves, and
 * a test reaches the end of an hour-long limit at once.
 */
export class CloudClock {
  #added = 0;
  readonly #tasks = new Set<Task>();

  /** Returns the time in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#added;
  }

  /** Runs a task after a delay in milliseconds. */
  after(milliseconds: number, work: () => void): Scheduled {
    const task = new Task(this.now() + Math.max(0, milliseconds), this.#tasks, work);
    this.#arm(task);
    return task;
  }

  /** Resolves after a delay in milliseconds. */
  sleep(milliseconds: number): Promise<void> {
    return new Promise(resolve => this.after(milliseconds, resolve));
  }

  /** Moves the time forward and runs the tasks that become due, in the order of their times. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now() + milliseconds;
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#added += Math.max(0, next.at - this.now());
      next.run();
      // Steps that wait for promises schedule their next tasks before the time moves on.
      await new Promise(resolve => setImmediate(resolve));
    }
    this.#added += Math.max(0, end - this.now());
    for (const task of this.#tasks) this.#arm(task);
  }

  /** Forgets all tasks. */
  stop(): void {
    for (const task of this.#tasks) task.cancel();
  }

  #next(): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) if (first === undefined || task.at < first.at) first = task;
    return first;
  }

  #arm(task: Task): void {
    clearTimeout(task.timer);
    const delay = task.at - this.now();
    task.timer =
      delay > LONGEST_TIMER
        ? setTimeout(() => this.#arm(task), LONGEST_TIMER)
        : setTimeout(() => task.run(), Math.max(0, delay));
    task.timer.unref();
  }
}
