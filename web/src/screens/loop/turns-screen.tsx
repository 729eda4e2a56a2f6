import { Page, PageHead } from '../../kit/page.tsx';

export function TurnsScreen() {
  return (
    <Page>
      <PageHead title="Turns" />
    </Page>
  );
}
