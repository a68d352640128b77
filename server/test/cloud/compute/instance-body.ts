import type { BootImage, ConfidentialType, MachineType } from './catalogue.js';

/** The fields of an instance resource that the fake cloud acts on. */
export interface InstanceBody {
  readonly name?: string;
  readonly machineType?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: { readonly items?: readonly { readonly key?: string; readonly value?: string }[] };
  readonly confidentialInstanceConfig?: {
    readonly enableConfidentialCompute?: boolean;
    readonly confidentialInstanceType?: ConfidentialType;
  };
  readonly shieldedInstanceConfig?: Readonly<Record<string, boolean>>;
  readonly scheduling?: {
    readonly onHostMaintenance?: string;
    readonly automaticRestart?: boolean;
    readonly provisioningModel?: string;
    readonly maxRunDuration?: { readonly seconds?: string | number };
    readonly instanceTerminationAction?: 'DELETE' | 'STOP';
  };
  readonly disks?: readonly {
    readonly boot?: boolean;
    readonly autoDelete?: boolean;
    readonly initializeParams?: {
      readonly sourceImage?: string;
      readonly diskType?: string;
      readonly diskSizeGb?: string | number;
    };
  }[];
  readonly networkInterfaces?: readonly {
    readonly network?: string;
    readonly subnetwork?: string;
    readonly nicType?: string;
    readonly accessConfigs?: readonly object[];
  }[];
  readonly serviceAccounts?: readonly { readonly email?: string; readonly scopes?: readonly string[] }[];
  readonly deletionProtection?: boolean;
}

/** Resources that the rules of an insert refer to. */
export interface InsertContext {
  readonly project: string;
  readonly zone: string;
  readonly subnetworks: readonly string[];
  readonly accountExists: (email: string) => boolean;
}

/** Resources that a valid body refers to. */
export interface ResolvedInstance {
  readonly machineType: MachineType;
  readonly image: BootImage;
  readonly confidentialType: ConfidentialType | undefined;
  readonly diskSizeGb: number;
}
