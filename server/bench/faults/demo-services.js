import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CleanRoom } from '../../../deployment/local/clean-room.js';
import { ROOT } from '../../../deployment/local/steps.js';

const COMMAND = join(ROOT, 'server/bin/clean-room.js');

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The demo's services, each in a process that can be killed and started again. */
export class DemoServices {
  #running = new Map();

  /** Sets the demo up in a temporary folder, and starts its services. */
  static async start() {
    const cache = join(ROOT, '.cache/bench');
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    const folder = mkdtempSync(join(cache, 'faults-'));
    process.env.CLEAN_ROOM_STAND_INS = join(folder, 'stand-ins');
    const ports = { coordinator: await freePort(), hospital: await freePort(), insurer: await freePort() };
    const cleanRoom = new CleanRoom(folder, ports);
    cleanRoom.createDemo();
    await cleanRoom.serve();
    cleanRoom.provision();
    await cleanRoom.stop();
    mkdirSync(cleanRoom.notebooks, { recursive: true });
    const services = new DemoServices(cleanRoom);
    for (const name of services.names) await services.restart(name);
    return services;
  }

  constructor(cleanRoom) {
    this.cleanRoom = cleanRoom;
    this.machines = join(cleanRoom.folder, 'simulator/attempts');
  }

  /** The services that can be killed: the coordinator, and the custodian of each provider. */
  get names() {
    return ['coordinator', ...this.cleanRoom.providers.map(({ party }) => `custodian of ${party}`)];
  }

  /** Starts a service, and waits until it serves. */
  async restart(name) {
    const { folder, env, providers } = this.cleanRoom;
    const provider = providers.find(({ party }) => name === `custodian of ${party}`);
    const options =
      provider === undefined
        ? ['--coordinator', join(folder, 'coordinator/coordinator.json')]
        : ['--custodian', provider.custodian];
    const child = spawn(process.execPath, [COMMAND, 'serve', ...options], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'ignore', 'pipe']
    });
    const ready = new Promise((resolve, reject) => {
      let text = '';
      child.stderr.setEncoding('utf8').on('data', part => {
        text += part;
        if (text.includes('Ready.')) resolve();
      });
      child.once('exit', () => reject(new Error(`The ${name} did not start: ${text}`)));
    });
    await ready;
    this.#running.set(name, child);
  }

  /** Kills a service with SIGKILL. */
  async kill(name) {
    const child = this.#running.get(name);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Kills the simulated machine that started last. Returns whether there was one. */
  killMachine() {
    const pids = this.#claims()
      .sort((a, b) => (a.attempt < b.attempt ? 1 : -1))
      .map(({ pid }) => pid);
    if (pids.length === 0) return false;
    try {
      process.kill(pids[0], 'SIGKILL');
      return true;
    } catch {
      return false;
    }
  }

  /** Returns the process of each machine that was started. */
  #claims() {
    return readdirSync(this.machines)
      .map(attempt => ({ attempt, file: join(this.machines, attempt, 'claim.json') }))
      .filter(({ file }) => existsSync(file))
      .map(({ attempt, file }) => ({ attempt, ...JSON.parse(readFileSync(file, 'utf8')) }));
  }

  /** Returns the number of machines of this demo that still run. Their processes get some seconds to end. */
  async countMachines() {
    let left = [];
    for (let waited = 0; waited < 200; waited++) {
      left = this.#claims().filter(({ pid }) => isAlive(pid));
      if (left.length === 0) return 0;
      await pause(100);
    }
    return left.length;
  }

  /** Stops all services, and removes the folder. */
  async stop() {
    for (const child of this.#running.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.cleanRoom.folder, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
