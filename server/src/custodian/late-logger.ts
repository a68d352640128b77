type Level = 'info' | 'warn' | 'error';
export type Logger = Readonly<Record<Level, (data: object, message: string) => void>>;

/** A logger for parts that are made before what writes the log is there. */
export class LateLogger implements Logger {
  #target: Logger | undefined;

  attach(target: Logger): void {
    this.#target = target;
  }

  info(data: object, message: string): void {
    this.#target?.info(data, message);
  }

  warn(data: object, message: string): void {
    this.#target?.warn(data, message);
  }

  error(data: object, message: string): void {
    this.#target?.error(data, message);
  }
}
