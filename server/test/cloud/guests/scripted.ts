import type { Guest, GuestMachine, GuestSpec, GuestSystem } from '../guest.js';

/** A guest that a test plays. */
export class ScriptedGuest implements Guest {
  readonly ended: Promise<void>;
  powerButtons = 0;
  #end!: () => void;

  constructor(
    readonly spec: GuestSpec,
    readonly machine: GuestMachine,
    private readonly ignoresPowerButton: boolean
  ) {
    this.ended = new Promise(resolve => (this.#end = resolve));
  }

  pressPowerButton(): void {
    this.powerButtons++;
    if (!this.ignoresPowerButton) this.powerOff();
  }

  cutPower(): void {
    this.#end();
  }

  /** Ends the guest as its own shutdown does. */
  powerOff(): void {
    this.#end();
  }
}

/** Guests that do nothing by themselves; a test finds them by the name of their instance. */
export class ScriptedGuests implements GuestSystem {
  readonly guests = new Map<string, ScriptedGuest>();
  /** Whether guests that boot from now on ignore the power button. */
  ignorePowerButton = false;
  /** Plays each guest that boots, if set. */
  script: ((guest: ScriptedGuest) => void) | undefined;

  boot(spec: GuestSpec, machine: GuestMachine): Guest {
    const guest = new ScriptedGuest(spec, machine, this.ignorePowerButton);
    this.guests.set(spec.instance.name, guest);
    this.script?.(guest);
    return guest;
  }

  /** Returns the guest of an instance that has booted. */
  of(name: string): ScriptedGuest {
    const guest = this.guests.get(name);
    if (guest === undefined) throw new Error(`the instance ${name} has not booted`);
    return guest;
  }
}
