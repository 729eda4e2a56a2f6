import { createRng } from '../../core/rng.ts';

const adjectives =
  'able agile amber awake bold brave brisk calm candid casual clean clever cosmic crisp curious deft eager earnest fair fast fearless gentle glad grand handsome happy honest humble keen kind legendary lively lucid merry mellow nimble noble orderly painted patient placid polite proud quick quiet rapid rare robust rustic salty serene sharp silent silver smooth sober stately steady sunny swift tidy upbeat valiant vivid warm welcoming wise witty';
const nouns =
  'ant ape auk bass bat bear bee bird boar bug calf carp cat chimp cod colt conch cow crab crane croc crow cub deer doe dog dolphin donkey dove duck eel elk finch fish flea foal fowl fox frog gnat gnu goat goose grouse grub gull hare hawk hen hog horse hound jay kit kite koi lamb lark loon lynx mare mink mole moose moth mouse mule newt owl ox panda penguin perch pig pug quail ram rat ray robin roo rook seal shad shark sheep shoat shrew shrike shrimp skink skunk sloth slug snail snake snipe sow sponge squid squirrel stag steed stork swan tern toad trout turtle vole wasp whale wolf worm wren yak zebra';

/** A friendly name for a run or model that was given none, for instance `nimble-fox-417`. */
export function randomName(): string {
  const rng = createRng(Math.floor(Math.random() * 2 ** 32));
  const pick = (words: string): string => {
    const list = words.split(' ');
    return list[rng.int(list.length)] ?? 'run';
  };
  return `${pick(adjectives)}-${pick(nouns)}-${rng.int(1000)}`;
}
