import {
  Activity,
  Boxes,
  Database,
  Eraser,
  FileSpreadsheet,
  FlaskConical,
  FolderKanban,
  ListChecks,
  type LucideIcon,
  MessageSquareText,
  RefreshCw,
  Route as RouteIcon,
  ScrollText,
  Split,
  Webhook as WebhookIcon,
} from 'lucide-react';

export type NavItem = {
  readonly to: string;
  readonly label: string;
  readonly icon: LucideIcon;
  /** Second key of the `g` chord. */
  readonly key: string;
  /** The question that the screen answers; shown in the palette. */
  readonly question: string;
};

type NavGroup = { readonly title: string; readonly items: readonly NavItem[] };

/** Screens by stage, in loop order. */
export const navGroups: readonly NavGroup[] = [
  {
    title: 'Experiment',
    items: [
      {
        to: '/runs',
        label: 'Runs',
        icon: FlaskConical,
        key: 'r',
        question: 'Which runs are best, running or broken?',
      },
      {
        to: '/experiments',
        label: 'Experiments',
        icon: FolderKanban,
        key: 'e',
        question: 'What is being tried, and where are its runs?',
      },
      { to: '/datasets', label: 'Datasets', icon: Database, key: 's', question: 'Is this data fit to use?' },
    ],
  },
  {
    title: 'Evaluate',
    items: [
      { to: '/models', label: 'Models', icon: Boxes, key: 'm', question: 'May this version go live?' },
      {
        to: '/webhooks',
        label: 'Webhooks',
        icon: WebhookIcon,
        key: 'w',
        question: 'Who is told of changes in the registry, and did it arrive?',
      },
    ],
  },
  {
    title: 'Deploy',
    items: [
      {
        to: '/endpoints',
        label: 'Deployment',
        icon: RouteIcon,
        key: 'd',
        question: 'Who gets which version now, and is the new one better?',
      },
      {
        to: '/rollouts',
        label: 'Rollouts',
        icon: Split,
        key: 'u',
        question: 'Which versions are on trial, how far, and with which verdict?',
      },
      {
        to: '/predictions',
        label: 'Predictions',
        icon: MessageSquareText,
        key: 'p',
        question: 'What did we answer, and was it right?',
      },
      {
        to: '/batches',
        label: 'Batches',
        icon: FileSpreadsheet,
        key: 'b',
        question: 'Which files were scored, and how far are the others?',
      },
    ],
  },
  {
    title: 'Monitor',
    items: [
      {
        to: '/monitoring',
        label: 'Monitoring',
        icon: Activity,
        key: 'o',
        question: 'What moved, since when, and does it hurt?',
      },
    ],
  },
  {
    title: 'Learn',
    items: [
      { to: '/turns', label: 'Turns', icon: RefreshCw, key: 't', question: 'What did the loop do, and why?' },
      {
        to: '/steps',
        label: 'Steps',
        icon: ListChecks,
        key: 'j',
        question: 'What ran, what is stuck, and why?',
      },
    ],
  },
];

/** What holds for all stages. */
export const recordItems: readonly NavItem[] = [
  {
    to: '/erasures',
    label: 'Erasures',
    icon: Eraser,
    key: 'x',
    question: 'Whose data had to go, and is all of it gone?',
  },
  { to: '/audit', label: 'Audit', icon: ScrollText, key: 'a', question: 'Who did what, when and why?' },
];

/** Every screen that the rail leads to, but for the loop. */
export const navItems: readonly NavItem[] = [...navGroups.flatMap((group) => group.items), ...recordItems];
