import { assemblePolicy } from '../src/policy/assemble.js';
import { RULES } from '../src/policy/rules.js';
import { requiredChecks } from '../src/probe/required.js';
import { runProbe } from './support/container.js';
import { PROFILES } from './support/emulation.js';

describe.each(PROFILES)('the probe in %s', profile => {
  const failedChecks = async (run: Parameters<typeof runProbe>[1]): Promise<string[]> => {
    const { probe, refusal } = await runProbe(profile, run);
    const names = probe.checks.filter(check => !check.held).map(check => check.name);
    for (const name of names) expect(refusal).toContain(name);
    expect(refusal === null).toBe(names.length === 0);
    return names;
  };

  it('passes when every protection is in place', async () => {
    const { probe, refusal } = await runProbe(profile);
    expect(probe.checks.filter(check => !check.held)).toEqual([]);
    expect(probe.checks.map(check => check.name)).toEqual(requiredChecks());
    expect(refusal).toBeNull();
  });

  // The probe can only notice the absence of rules that the kernel does not enforce anyway for a process without
  // capabilities.
  it.each([
    ['socket', ['socket-unix', 'socket-inet', 'socket-inet6', 'socket-netlink', 'socket-datagram']],
    ['connect', ['connect-abstract', 'connect-launcher', 'connect-supervisor', 'connect-metadata']],
    ['sendmsg', ['send-message']],
    ['ptrace', ['trace']],
    ['process_vm_readv', ['read-memory']],
    ['io_uring_setup', ['io-uring']],
    ['memfd_create', ['anonymous-file']],
    ['pidfd_getfd', ['steal-descriptor']],
    ['keyctl', ['keys']]
  ])('detects that the rule for %s is missing', async (name, checks) => {
    const refused = RULES.refused.filter(call => call !== name);
    const policy = assemblePolicy({ ...RULES, refused, allowed: [...RULES.allowed, name] });
    expect(await failedChecks({ policy })).toEqual(expect.arrayContaining(checks));
  });

  it('detects that the rules on arguments are missing', async () => {
    const conditional = new Map([...RULES.conditional.keys()].map(name => [name, []]));
    const names = await failedChecks({ policy: assemblePolicy({ ...RULES, conditional }) });
    expect(names).toEqual(
      expect.arrayContaining(['datagram-pair', 'send-to-address', 'clone-parent', 'limit-others'])
    );
  });

  it('detects that system calls of other architectures are not blocked', async () => {
    const all = Buffer.from('06000000' + '0000ff7f', 'hex');
    const names = await failedChecks({ policy: all });
    expect(names).toEqual(expect.arrayContaining(['socket-inet', 'io-uring', 'x32-calls']));
    expect(names.length).toBeGreaterThan(40);
  });

  it('detects a warden with more capabilities than a container has', async () => {
    const names = await failedChecks({ powerful: true });
    expect(names).toContain('warden-capabilities');
  });
});
