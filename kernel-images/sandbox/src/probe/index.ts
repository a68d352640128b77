export { probeSandbox, requireProbe } from './probe.js';
export type { ProbeCheck, ProbeOptions, ProbeReport } from './probe.js';
export { requiredChecks } from './required.js';
