// scikit-learn's estimators, and what wraps them.
import type { AllowedGlobal } from '../values.ts';
import { argument, call, OBJECT, object, whole } from './entry.ts';
import { isArray } from './numpy.ts';

const HISTOGRAM = 'sklearn.ensemble._hist_gradient_boosting';
const KEPT = 'kept by a search; never read by predict';
const MEMBERS = 'members by name; predict reads them from the list beside it';

export const SKLEARN: readonly AllowedGlobal[] = [
  object('sklearn.ensemble._forest', 'RandomForestRegressor'),
  object('sklearn.ensemble._forest', 'ExtraTreesRegressor'),
  object('sklearn.ensemble._gb', 'GradientBoostingRegressor'),
  object('sklearn.ensemble._weight_boosting', 'AdaBoostRegressor'),
  object('sklearn.ensemble._bagging', 'BaggingRegressor'),
  object('sklearn.ensemble._voting', 'VotingRegressor'),
  object(`${HISTOGRAM}.gradient_boosting`, 'HistGradientBoostingRegressor'),
  object(`${HISTOGRAM}.binning`, '_BinMapper', 'dict', `how columns were binned for training; ${OBJECT}`),
  object(`${HISTOGRAM}.predictor`, 'TreePredictor', 'dict', `a tree whose every node is checked; ${OBJECT}`),
  object('sklearn.tree._classes', 'DecisionTreeRegressor'),
  object('sklearn.tree._classes', 'ExtraTreeRegressor'),
  object('sklearn.dummy', 'DummyRegressor', 'dict', `the constant that boosting starts from; ${OBJECT}`),
  call(
    'sklearn.tree._tree',
    'Tree',
    'dict',
    'in Python a C struct that predict trusts blindly; here four entries whose every node is checked',
    [whole, isArray, whole],
  ),
  object('sklearn.pipeline', 'Pipeline'),
  object('sklearn.preprocessing._data', 'StandardScaler'),
  object('sklearn.preprocessing._data', 'MinMaxScaler'),
  object('sklearn.impute._base', 'SimpleImputer'),
  object('sklearn.impute._base', 'MissingIndicator'),
  object('sklearn.compose._target', 'TransformedTargetRegressor'),
  object('sklearn.model_selection._search', 'GridSearchCV'),
  object('sklearn.model_selection._search', 'RandomizedSearchCV'),
  object('sklearn.model_selection._search_successive_halving', 'HalvingGridSearchCV'),
  object('sklearn.model_selection._search_successive_halving', 'HalvingRandomSearchCV'),
  object('sklearn.model_selection._split', 'KFold', 'dict', KEPT),
  object('sklearn.metrics._scorer', '_PassthroughScorer', 'dict', KEPT),
  argument('sklearn.metrics._scorer', '_passthrough_scorer', KEPT),
  object('sklearn.utils._metadata_requests', 'MetadataRequest', 'dict', KEPT),
  object('sklearn.utils._metadata_requests', 'MethodMetadataRequest', 'dict', KEPT),
  object('sklearn.utils._bunch', 'Bunch', 'items', MEMBERS),
  object('sklearn.utils', 'Bunch', 'items', MEMBERS),
];
