import path from 'node:path';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
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

async function serve(context: CommandContext, options: Options): Promise<CommandResult> {
  const { terminal } = context;
  const at = (name: string): string => path.resolve(terminal.folder, name);
  const starts: (() => Promise<RunningService>)[] = [];
  if (options.demo !== undefined) {
    const { DEMO_CUSTODIANS } = await import('../demo/create.js');
    const { DemoLayout } = await import('../demo/layout.js');
    const layout = new DemoLayout(at(options.demo));
    starts.push(
      () => coordinatorIn(layout.coordinatorConfig),
      () => demoDocumentsIn(layout.root)
    );
    starts.push(...DEMO_CUSTODIANS.map(party => () => custodianIn(context, layout.custodian(party))));
  }
  const { coordinator } = options;
  if (coordinator !== undefined) starts.push(() => coordinatorIn(at(coordinator)));
  starts.push(...(options.custodian ?? []).map(folder => () => custodianIn(context, at(folder))));
  if (starts.length === 0) {
    throw new CleanRoomError('malformed', 'There is nothing to serve.', {
      remedy: 'Use --coordinator FILE, --custodian FOLDER or --demo FOLDER.'
    });
  }
  const running = await startAll(starts);
  const serving = running.filter(({ url }) => url !== '');
  serving.forEach(({ name, url }) => terminal.remark(`${name}: ${url}`));
  terminal.remark('Ready. Press Ctrl-C to stop. Active runs continue.');
  await new Promise<void>(resolve => {
    if (terminal.stopped.aborted) resolve();
    terminal.stopped.addEventListener('abort', () => resolve(), { once: true });
  });
  for (const part of [...running].reverse()) await part.close();
  return { value: { served: serving.map(({ name, url }) => ({ name, url })) }, lines: ['Stopped.'] };
}

/** Adds `serve`, which runs the server's roles, together or separately. */
export const registerServe: Register = (program, act) => {
  program
    .command('serve')
    .description('Run a coordinator, custodians, or the demo with both')
    .option('--coordinator <file>', 'Configuration file of a coordinator')
    .option('--custodian <folder...>', 'Folders of custodians, each with a custodian.json')
    .option('--demo <folder>', 'Folder of the demo, whose services are all started')
    .action(act(serve));
};
