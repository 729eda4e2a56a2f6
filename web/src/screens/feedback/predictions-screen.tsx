import { Page, PageHead } from '../../kit/page.tsx';

export function PredictionsScreen() {
  return (
    <Page>
      <PageHead title="Predictions" />
    </Page>
  );
}
