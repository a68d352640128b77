import { Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import {
  GOOGLE_ISSUER,
  HARDWARE_ROOTS,
  verifyToken,
  type AttestationTrust,
  type PkiRoot,
  type TokenAppraisal,
  type TokenExpectations
} from '@clean-room/protocol/attestation';
import { asDigest, fromUtf8 } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import type { CommandContext, Register } from '../context.js';
import { parseJsonFile, readFileOrInput } from '../files.js';
import { EXIT } from '../terminal/exit-codes.js';
import type { CommandResult } from '../terminal/result.js';
import { collect, collectPairs, timestampOption } from './options.js';

interface Options {
  readonly profile: 'signature' | 'production';
  readonly at?: Date;
  readonly jwks?: string;
  readonly issuer?: string;
  readonly simulatedRoot?: string[];
  readonly audience?: string;
  readonly nonce?: string[];
  readonly imageDigest?: string[];
  readonly project?: string;
  readonly zone?: string;
  readonly serviceAccount?: string[];
  readonly args?: string[] | true;
  readonly env?: Record<string, string>;
  readonly hwmodel?: string[];
  readonly maxAge?: number;
}

const JwkSet = Type.Object({ keys: Type.Array(Type.Object({ kty: Type.String() }), { maxItems: 1000 }) });

/** Returns the hardware roots, the simulators that the user accepts, and the given keys of an OIDC issuer. */
async function trustOf({ jwks, issuer, simulatedRoot = [] }: Options): Promise<AttestationTrust> {
  const simulated = simulatedRoot.map((text): PkiRoot => ({ sha256: asDigest(text), kind: 'simulated' }));
  const pkiRoots = [...HARDWARE_ROOTS, ...simulated];
  if (jwks === undefined) return { pkiRoots };
  const { keys } = checkSchema(JwkSet, parseJsonFile(await readFile(jwks), jwks), 'key set');
  return { pkiRoots, jwks: [{ issuer: issuer ?? GOOGLE_ISSUER, keys: keys }] };
}

/** Returns the expectations that the user has given. The checks of all others report "not asked". */
function expectationsOf(options: Options): TokenExpectations {
  const expect = {
    audience: options.audience,
    nonces: options.nonce,
    imageDigest: options.imageDigest,
    projectId: options.project,
    zone: options.zone,
    serviceAccounts: options.serviceAccount,
    args: options.args === true ? [] : options.args,
    env: options.env,
    hwmodels: options.hwmodel,
    maxAgeSeconds: options.maxAge
  };
  return Object.fromEntries(Object.entries(expect).filter(([, value]) => value !== undefined));
}

const SYMBOLS = { pass: '✓', fail: '✗', 'not-asked': '·', 'not-reached': '·' } as const;

function toResult(appraisal: TokenAppraisal): CommandResult {
  const lines = appraisal.steps.map(
    step =>
      `${SYMBOLS[step.status]} ${step.title}. ${step.detail}${step.code === undefined ? '' : ` [${step.code}]`}`
  );
  const mark = appraisal.simulated ? ['SIMULATED: this token is not from a TEE.'] : [];
  return {
    value: {
      ok: appraisal.ok,
      simulated: appraisal.simulated,
      steps: appraisal.steps,
      claims: appraisal.claims
    },
    lines: [
      ...lines,
      '',
      ...mark,
      appraisal.ok ? 'All checks passed.' : 'A check failed: do not rely on this token.'
    ],
    exitCode: appraisal.ok ? EXIT.ok : EXIT.refused
  };
}

async function inspect(context: CommandContext, file: string, options: Options): Promise<CommandResult> {
  const token = fromUtf8(await readFileOrInput(context.terminal, file)).trim();
  return toResult(
    await verifyToken(token, {
      profile: options.profile,
      at: options.at ?? context.terminal.now(),
      trust: await trustOf(options),
      expect: expectationsOf(options),
      acceptSimulator: options.simulatedRoot !== undefined
    })
  );
}

/** Adds `attestation inspect`, which verifies any Confidential Space token, regardless of its audience. */
export const registerAttestation: Register = (program, act) => {
  program
    .command('attestation')
    .description('Inspect attestation tokens')
    .command('inspect <file>')
    .description('Verify a Confidential Space token and print each check ("-" reads standard input)')
    .addOption(
      new Option(
        '--profile <profile>',
        'Checks to make: "signature" for the signature and the times; "production" also for a production machine'
      )
        .choices(['signature', 'production'])
        .default('signature')
    )
    .option('--at <time>', 'Time at which the token is verified (default: now)', timestampOption)
    .option('--jwks <file>', 'Public keys of the issuer, for OIDC tokens')
    .option('--issuer <url>', 'Issuer of the tokens that these keys verify (default: Google)')
    .option(
      '--simulated-root <digest>',
      'Digest of a simulator’s root certificate to accept (repeatable)',
      collect
    )
    .option('--audience <text>', 'Expected audience')
    .option('--nonce <text>', 'Expected nonce (repeatable)', collect)
    .option('--image-digest <digest>', 'Expected image; one of them if repeated', collect)
    .option('--project <id>', 'Expected project')
    .option('--zone <name>', 'Expected zone')
    .option('--service-account <address>', 'Expected service account; exactly these if repeated', collect)
    .option(
      '--args [argument...]',
      'Expected arguments of the container, none if empty (write --args=-x for an argument with a dash)'
    )
    .option(
      '--env <NAME=VALUE>',
      'Expected environment variable that the operator set; exactly these if repeated',
      collectPairs
    )
    .option('--hwmodel <model>', 'Expected hardware model; one of them if repeated', collect)
    .option('--max-age <seconds>', 'Maximum age of the token', Number)
    .action(act(inspect));
};
