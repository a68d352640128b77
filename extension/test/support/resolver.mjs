import { createRequire } from 'node:module';

const jupyterlab = createRequire(import.meta.url)('@jupyterlab/testing/lib/jest-resolver.js');

/** Packages that offer nothing but ES modules; swc turns these into what jest 29 loads. */
const MODULES_ONLY =
  /^(@bufbuild|@clean-room|@hpke|@noble|@scure|age-encryption|canonicalize|jose|typebox)(\/|$)/;

export function sync(request, options) {
  const conditions = MODULES_ONLY.test(request) ? ['browser', 'import', 'default'] : options.conditions;
  return jupyterlab(request, { ...options, conditions });
}
