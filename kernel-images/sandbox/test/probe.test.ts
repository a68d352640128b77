import { assemblePolicy, RULES } from '../src/policy/index.js';
import { requiredChecks } from '../src/probe/required.js';
import { runProbe } from './support/container.js';
import { PROFILES } from './support/emulation.js';

describe.each(PROFILES)('the probe in %s', profile => {
  const missing = async (run: Parameters<typeof runProbe>[1]): Promise<string[]> => {
    const { probe, refusal } = await runProbe(profile, run);
    const names = probe.checks.filter(check => !check.held).map(check => check.name);
    for (const name of names) expect(refusal).toContain(name);
    expect(refusal === null).toBe(names.length === 0);
    return names;
  };

  it('finds every protection in place, and lets pass', async () => {
    const { probe, refusal } = await runProbe(profile);
    expect(probe.checks.filter(check => !check.held)).toEqual([]);
    expect(probe.checks.map(check => check.name)).toEqual(requiredChecks());
    expect(refusal).toBeNull();
  });

  // only rules that the kernel would not enforce anyway on a process without capabilities can be missed
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
  ])('misses the rule on %s', async (name, checks) => {
    const refused = RULES.refused.filter(call => call !== name);
    const policy = assemblePolicy({ ...RULES, refused, allowed: [...RULES.allowed, name] });
    expect(await missing({ policy })).toEqual(expect.arrayContaining(checks));
  });

  it('misses each of the rules on arguments', async () => {
    const conditional = new Map([...RULES.conditional.keys()].map(name => [name, []]));
    const names = await missing({ policy: assemblePolicy({ ...RULES, conditional }) });
    expect(names).toEqual(
      expect.arrayContaining(['datagram-pair', 'send-to-address', 'clone-parent', 'limit-others'])
    );
  });

  it('misses what would be there against calls by other tables', async () => {
    const all = Buffer.from('06000000' + '0000ff7f', 'hex');
    const names = await missing({ policy: all });
    expect(names).toEqual(expect.arrayContaining(['socket-inet', 'io-uring', 'x32-calls']));
    expect(names.length).toBeGreaterThan(40);
  });

  it('sees a warden with more power than a container has', async () => {
    const names = await missing({ powerful: true });
    expect(names).toContain('warden-capabilities');
  });
});
