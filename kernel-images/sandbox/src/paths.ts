/** Where the jail holds the executor. */
export const EXECUTOR_FOLDER = '/usr/lib/clean-room/executor';
