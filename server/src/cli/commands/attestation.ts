import { Option } from 'commander';
import { readFile } from 'node:fs/promises';
import type { JWK } from 'jose';
import { Type } from 'typebox';
import {
  GOOGLE_ISSUER,
  GOOGLE_ROOT,
  verifyToken,
  type AttestationTrust,
  type PkiRoot,
  type TokenExpectations,
  type TokenAppraisal
} from '@clean-room/protocol/attestation';
import { asDigest, fromUtf8 } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import type { CommandContext, Register } from '../context.js';
import { parseJsonFile } from '../home/home.js';
import type { CommandResult } from '../terminal/answer.js';
import { EXIT } from '../terminal/exit-codes.js';
import { collect, collectPairs, timestampOption } from './options.js';
import { readFileOrInput } from './verify.js';

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

async function trustOf({ jwks, issuer, simulatedRoot = [] }: Options): Promise<AttestationTrust> {
  const simulated = simulatedRoot.map((text): PkiRoot => ({ sha256: asDigest(text), kind: 'simulated' }));
  const pkiRoots = [GOOGLE_ROOT, ...simulated];
  if (jwks === undefined) return { pkiRoots };
  const { keys } = checkSchema(JwkSet, parseJsonFile(await readFile(jwks), jwks), 'key set');
  return { pkiRoots, jwks: [{ issuer: issuer ?? GOOGLE_ISSUER, keys: keys as JWK[] }] };
}

/** Only what was given is expected: a check whose expectation is absent says "not asked". */
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

const SIGN = { pass: '✓', fail: '✗', 'not-asked': '·', 'not-reached': '·' } as const;

function answer(verdict: TokenAppraisal): CommandResult {
  const lines = verdict.steps.map(
    step =>
      `${SIGN[step.status]} ${step.title}. ${step.detail}${step.code === undefined ? '' : ` [${step.code}]`}`
  );
  const mark = verdict.simulated ? ['SIMULATED: no TEE stood behind this token.'] : [];
  return {
    value: { ok: verdict.ok, simulated: verdict.simulated, steps: verdict.steps, claims: verdict.claims },
    lines: [
      ...lines,
      '',
      ...mark,
      verdict.ok ? 'All that was asked holds.' : 'Refused: do not rely on this token.'
    ],
    exitCode: verdict.ok ? EXIT.ok : EXIT.refused
  };
}

async function inspect(context: CommandContext, file: string, options: Options): Promise<CommandResult> {
  const token = fromUtf8(await readFileOrInput(context, file, 'token')).trim();
  return answer(
    await verifyToken(token, {
      profile: options.profile,
      at: options.at ?? context.terminal.now(),
      trust: await trustOf(options),
      expect: expectationsOf(options),
      acceptSimulator: options.simulatedRoot !== undefined
    })
  );
}

/** Judges any Confidential Space token, whatever it was made for. */
export const registerAttestation: Register = (program, act) => {
  program
    .command('attestation')
    .description('look into attestation tokens')
    .command('inspect <file>')
    .description('judge a Confidential Space token, check by check ("-" reads standard input)')
    .addOption(
      new Option('--profile <profile>', 'signature: who said it and when; production: a locked machine, too')
        .choices(['signature', 'production'])
        .default('signature')
    )
    .option('--at <time>', 'judge at this moment, not now', timestampOption)
    .option('--jwks <file>', 'public keys of the issuer, for OIDC tokens')
    .option('--issuer <url>', 'whose keys these are, where not Google’s')
    .option(
      '--simulated-root <digest>',
      'also believe this simulator’s root certificate (repeatable)',
      collect
    )
    .option('--audience <text>', 'expect this audience')
    .option('--nonce <text>', 'expect this nonce (repeatable)', collect)
    .option('--image-digest <digest>', 'expect this image, or one of several (repeatable)', collect)
    .option('--project <id>', 'expect this project')
    .option('--zone <name>', 'expect this zone')
    .option('--service-account <address>', 'expect exactly these service accounts (repeatable)', collect)
    .option(
      '--args [argument...]',
      'expect exactly these arguments of the container, or none (--args=-x for one with a dash)'
    )
    .option(
      '--env <NAME=VALUE>',
      'expect exactly these variables from the operator (repeatable)',
      collectPairs
    )
    .option('--hwmodel <model>', 'expect one of these machines (repeatable)', collect)
    .option('--max-age <seconds>', 'expect a token no older than this', Number)
    .action(act(inspect));
};
