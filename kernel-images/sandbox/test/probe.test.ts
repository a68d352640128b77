import { requiredChecks } from '../src/probe/index.js';
import { PROFILES, runProbe } from './support/container.js';

describe.each(PROFILES)('the probe in %s', profile => {
  it('finds every protection in place', async () => {
    const report = await runProbe(profile);
    if ('error' in report) throw new Error(report.error.message);
    expect(report.checks.filter(check => !check.held)).toEqual([]);
    expect(report.checks.map(check => check.name)).toEqual(requiredChecks());
  });
});
