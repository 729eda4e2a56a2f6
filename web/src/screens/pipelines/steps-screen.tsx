import { Page, PageHead } from '../../kit/page.tsx';

export function StepsScreen() {
  return (
    <Page>
      <PageHead title="Steps" />
    </Page>
  );
}
