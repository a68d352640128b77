import path from 'node:path';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
import type { ServingMessage } from '../demo/processes.js';
import { DEMO_PROVIDERS } from '../demo/providers.js';
import { readJsonFile } from '../files.js';
import { StartFailure, type CommandResult } from '../terminal/result.js';

interface Options {
  readonly coordinator?: string;
  readonly custodian?: string[];
  readonly demo?: string;
}

/** A part of the server that is running. */
interface RunningService {
  readonly name: string;
  /** Empty when it does not listen on an address. */
  readonly url: string;
  /** Resolves to the exit code when the service's process has ended. Absent for a service in this process. */
  readonly ended?: Promise<number | null>;
  close(): Promise<void>;
}

/** Starts services in order. When one of them cannot start, the earlier ones are closed again. */
async function startAll(starts: readonly (() => Promise<RunningService>)[]): Promise<RunningService[]> {
  const running: RunningService[] = [];
  try {
    for (const start of starts) running.push(await start());
    return running;
  } catch (error) {
    for (const part of running.reverse()) await part.close();
    throw isCleanRoomError(error) ? new StartFailure(error) : error;
  }
}

async function coordinatorIn(file: string): Promise<RunningService> {
  const { startCoordinator } = await import('../../coordinator/start.js');
  const coordinator = await startCoordinator(await readJsonFile(file), {}, file);
  return { name: 'coordinator', url: coordinator.url, close: () => coordinator.close() };
}

async function custodianIn({ terminal }: CommandContext, folder: string): Promise<RunningService> {
  const { readCustodianHome, startCustodian } = await import('../../custodian/index.js');
  const own = await readCustodianHome(folder);
  const kernelImages = terminal.env['CLEAN_ROOM_KERNEL_IMAGES'];
  const custodian = await startCustodian(own, kernelImages === undefined ? {} : { kernelImages });
  return { name: `custodian of ${own.config.party}`, url: custodian.url, close: () => custodian.close() };
}

/** Publishes the demo's rosters and collaboration. There is nothing to close. */
async function demoDocumentsIn(folder: string): Promise<RunningService> {
  const { publishDemo } = await import('../demo/publish.js');
  await publishDemo(folder);
  return { name: 'demo', url: '', close: async () => undefined };
}

/** Returns how to start the demo: the coordinator and each custodian in a process of its own. */
async function demoStarts(folder: string): Promise<(() => Promise<RunningService>)[]> {
  const { DemoLayout } = await import('../demo/layout.js');
  const { startServiceProcess } = await import('../demo/processes.js');
  const layout = new DemoLayout(folder);
  return [
    () => startServiceProcess('--coordinator', layout.coordinatorConfig),
    () => demoDocumentsIn(layout.root),
    ...DEMO_PROVIDERS.map(
      ({ party }) =>
        () =>
          startServiceProcess('--custodian', layout.custodian(party))
    )
  ];
}

/**
 * Waits until the user stops the command, or a service ends by itself.
 *
 * @returns the service that failed, or undefined
 */
async function waitForEnd(
  { stopped }: CommandContext['terminal'],
  running: readonly RunningService[]
): Promise<RunningService | undefined> {
  const { promise, resolve } = Promise.withResolvers<RunningService | undefined>();
  for (const service of running) {
    // A service that ends without an error was stopped, like this command, by a signal to all processes of the terminal.
    void service.ended?.then(code => resolve(code === 0 ? undefined : service));
  }
  if (stopped.aborted) resolve(undefined);
  stopped.addEventListener('abort', () => resolve(undefined), { once: true });
  return promise;
}

/** Tells the user, or the process that started this one, what is served. */
function announce({ terminal }: CommandContext, served: ServingMessage['served']): void {
  if (terminal.tellParent !== undefined) {
    terminal.tellParent({ served } satisfies ServingMessage);
    return;
  }
  served.forEach(({ name, url }) => terminal.remark(`${name}: ${url}`));
  terminal.remark('Ready. Press Ctrl-C to stop. Active runs continue.');
}

async function serve(context: CommandContext, options: Options): Promise<CommandResult> {
  const { terminal } = context;
  const at = (name: string): string => path.resolve(terminal.folder, name);
  const { coordinator, custodian = [], demo } = options;
  const starts = demo === undefined ? [] : await demoStarts(at(demo));
  if (coordinator !== undefined) starts.push(() => coordinatorIn(at(coordinator)));
  starts.push(...custodian.map(folder => () => custodianIn(context, at(folder))));
  if (starts.length === 0) {
    throw new CleanRoomError('malformed', 'There is nothing to serve.', {
      remedy: 'Use --coordinator FILE, --custodian FOLDER or --demo FOLDER.'
    });
  }
  const running = await startAll(starts);
  const served = running.filter(({ url }) => url !== '').map(({ name, url }) => ({ name, url }));
  announce(context, served);
  const failed = await waitForEnd(terminal, running);
  for (const part of [...running].reverse()) await part.close();
  if (failed !== undefined) {
    throw new CleanRoomError(
      'unavailable',
      `The ${failed.name} ended unexpectedly, so all parts were stopped.`,
      {
        remedy: 'Start again. Nothing that was stored is lost.'
      }
    );
  }
  return { value: { served }, lines: ['Stopped.'] };
}

/** Adds `serve`, which runs the server's roles, together or separately. */
export const registerServe: Register = (program, act) => {
  program
    .command('serve')
    .description('Run a coordinator, custodians, or the demo with all of them')
    .option('--coordinator <file>', 'Configuration file of a coordinator')
    .option('--custodian <folder...>', 'Folders of custodians, each with a custodian.json')
    .option(
      '--demo <folder>',
      'Folder of the demo, whose services are all started, each in a process of its own'
    )
    .action(act(serve));
};
