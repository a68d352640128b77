/** A provider of the demo: a party with a custodian of its own, one dataset, and the terms in which its policy is special. */
interface Provider {
  readonly party: string;
  readonly title: string;
  /** The name of its dataset. */
  readonly dataset: string;
  /** The origin of its custodian by default. */
  readonly origin: string;
  readonly purposes: readonly string[];
  /** Seconds that a run may take. */
  readonly wallSeconds: number;
  readonly outputsPerRun: number;
}

const RESEARCH = 'Health research: cost of chronic illness';
const TEACHING = 'Teaching';

/** The purposes of the demo's collaboration. */
export const DEMO_PURPOSES = [RESEARCH, TEACHING] as const;

/** The providers of the demo. Their policies differ, so that a run on the data of both shows whose rule is the strictest. */
export const DEMO_PROVIDERS = [
  {
    party: 'hospital',
    title: 'Demo Hospital',
    dataset: 'hospital/visits',
    origin: 'http://hospital.localhost:8788',
    purposes: DEMO_PURPOSES,
    wallSeconds: 900,
    outputsPerRun: 100
  },
  {
    party: 'insurer',
    title: 'Demo Insurer',
    dataset: 'insurer/claims',
    origin: 'http://insurer.localhost:8789',
    purposes: [RESEARCH],
    wallSeconds: 600,
    outputsPerRun: 50
  }
] as const satisfies readonly Provider[];

/** One of the demo's providers. */
export type DemoProvider = (typeof DEMO_PROVIDERS)[number];
/** The origin of each provider's custodian. */
export type CustodianOrigins = Readonly<Record<DemoProvider['party'], string>>;

/** The party whose people use the data. */
export const DEMO_RESEARCHERS = { party: 'university', title: 'Demo University' } as const;
/** The parties of the demo. */
export const DEMO_PARTIES: readonly string[] = [
  DEMO_RESEARCHERS.party,
  ...DEMO_PROVIDERS.map(({ party }) => party)
];
