import { fromBase64 } from '@clean-room/protocol/bytes';
import { readRunStatement, type RunStatement } from '@clean-room/protocol/runs';
import { openOutput } from '@clean-room/protocol/sealing';
import { runSupervisor, type PROFILES, type SupervisorEnd } from './container.js';
import { JobServer } from './job-server.js';
import { LauncherServer } from './launcher-server.js';
import { makeWorld, type World, type WorldOptions } from './world.js';

interface FilteredNotebook {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly source: string;
    readonly metadata: {
      readonly 'clean-room'?: { readonly status: string; readonly outputs: readonly unknown[] };
    };
    readonly outputs?: readonly Record<string, unknown>[];
  }[];
}

/** A finished attempt, and the servers that the supervisor used. */
export interface Finished extends SupervisorEnd {
  readonly world: World;
  readonly server: JobServer;
  readonly launcher: LauncherServer;
}

/** Returns a notebook with one text cell and these code cells. */
export function notebook(...cells: readonly string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { secret: 'not copied' },
    cells: [
      { cell_type: 'markdown', metadata: {}, source: ['# Visits\n', 'of last year'] },
      ...cells.map(source => ({ cell_type: 'code', metadata: {}, execution_count: 7, outputs: [], source }))
    ]
  });
}

const open: { close(): Promise<void> }[] = [];

/** Closes the servers of all attempts. Every test calls it at its end. */
export async function closeAll(): Promise<void> {
  for (const closable of open.splice(0)) await closable.close();
}

/**
 * Runs one attempt of the built kernel image.
 *
 * @param prepare - changes the job server before the attempt starts
 */
export async function run(
  profile: (typeof PROFILES)[number],
  options: WorldOptions,
  prepare: (server: JobServer) => void = () => undefined
): Promise<Finished> {
  const issuedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
  const world = await makeWorld({ machine: { issuedAt }, ...options });
  const server = await JobServer.open(world);
  const launcher = await LauncherServer.open(() => ({ ...world.machine, issuedAt: new Date() }));
  open.push(server, launcher);
  prepare(server);
  const end = await runSupervisor(profile, world, server.address, launcher.folder);
  return { world, server, launcher, ...end };
}

/** Returns what the researcher receives: the run statement and the opened notebook. */
export async function results({
  world,
  server
}: Finished): Promise<{ statement: RunStatement; notebook: FilteredNotebook }> {
  const { result } = server;
  if (result === undefined) throw new Error('no result was delivered');
  const statement = readRunStatement(fromBase64(result.statement)).value;
  const sealed = server.objects.get(statement.predicate.outputs.notebook.digest);
  if (sealed === undefined) throw new Error('the sealed notebook was not delivered');
  const bytes = await openOutput(sealed, world.identities.researcher, []);
  return { statement, notebook: JSON.parse(Buffer.from(bytes).toString()) as FilteredNotebook };
}
