import { assemblePolicy } from './assemble.js';
import { RULES } from './rules.js';

export { assemblePolicy } from './assemble.js';
export { RULES } from './rules.js';
export type { Condition, Rules } from './rules.js';
export { SYSCALLS } from './syscalls.js';

/** The file `policy.bpf` of a kernel image. */
export function policyBytes(): Uint8Array {
  return assemblePolicy(RULES);
}
