"""The public names and their types; written by tools/make_stub.py, and held to the code by a test."""

from pellucid.architectures.albert import AlbertConfig as AlbertConfig
from pellucid.architectures.bert import BertConfig as BertConfig
from pellucid.architectures.camembert import CamembertConfig as CamembertConfig
from pellucid.architectures.deberta import DebertaConfig as DebertaConfig
from pellucid.architectures.deberta_v2 import DebertaV2Config as DebertaV2Config
from pellucid.architectures.distilbert import DistilBertConfig as DistilBertConfig
from pellucid.architectures.electra import ElectraConfig as ElectraConfig
from pellucid.architectures.esm import EsmConfig as EsmConfig
from pellucid.architectures.mobilebert import MobileBertConfig as MobileBertConfig
from pellucid.architectures.modernbert import ModernBertConfig as ModernBertConfig
from pellucid.architectures.mpnet import MPNetConfig as MPNetConfig
from pellucid.architectures.new import GteConfig as GteConfig
from pellucid.architectures.new import NewConfig as NewConfig
from pellucid.architectures.nomic_bert import NomicBertConfig as NomicBertConfig
from pellucid.architectures.roberta import RobertaConfig as RobertaConfig
from pellucid.architectures.xlm_roberta import XLMRobertaConfig as XLMRobertaConfig
from pellucid.checkpoints.report import LoadingReport as LoadingReport
from pellucid.config import PretrainedConfig as PretrainedConfig
from pellucid.doctor import examine_checkpoint as examine_checkpoint
from pellucid.errors import PellucidError as PellucidError
from pellucid.inspection import inspect_checkpoint as inspect_checkpoint
from pellucid.models.auto import AutoConfig as AutoConfig
from pellucid.models.auto import AutoModel as AutoModel
from pellucid.models.auto import AutoModelForMaskedLM as AutoModelForMaskedLM
from pellucid.models.auto import AutoModelForMultipleChoice as AutoModelForMultipleChoice
from pellucid.models.auto import AutoModelForNextSentencePrediction as AutoModelForNextSentencePrediction
from pellucid.models.auto import AutoModelForPreTraining as AutoModelForPreTraining
from pellucid.models.auto import AutoModelForQuestionAnswering as AutoModelForQuestionAnswering
from pellucid.models.auto import AutoModelForSequenceClassification as AutoModelForSequenceClassification
from pellucid.models.auto import AutoModelForTokenClassification as AutoModelForTokenClassification
from pellucid.models.auto import TFAutoModel as TFAutoModel
from pellucid.models.auto import TFAutoModelForMaskedLM as TFAutoModelForMaskedLM
from pellucid.models.auto import TFAutoModelForMultipleChoice as TFAutoModelForMultipleChoice
from pellucid.models.auto import TFAutoModelForNextSentencePrediction as TFAutoModelForNextSentencePrediction
from pellucid.models.auto import TFAutoModelForPreTraining as TFAutoModelForPreTraining
from pellucid.models.auto import TFAutoModelForQuestionAnswering as TFAutoModelForQuestionAnswering
from pellucid.models.auto import TFAutoModelForSequenceClassification as TFAutoModelForSequenceClassification
from pellucid.models.auto import TFAutoModelForTokenClassification as TFAutoModelForTokenClassification
from pellucid.models.base import PreTrainedModel as PreTrainedModel
from pellucid.models.keras.model import TFPreTrainedModel as _TFPreTrainedModel
from pellucid.outputs import ModelOutput as ModelOutput
from pellucid.pipelines import Pipeline as Pipeline
from pellucid.pipelines import pipeline as pipeline
from pellucid.quantization.quantize import quantize as quantize
from pellucid.tokenizers import AlbertTokenizer as AlbertTokenizer
from pellucid.tokenizers import AlbertTokenizerFast as AlbertTokenizerFast
from pellucid.tokenizers import AutoTokenizer as AutoTokenizer
from pellucid.tokenizers import BatchEncoding as BatchEncoding
from pellucid.tokenizers import BertTokenizer as BertTokenizer
from pellucid.tokenizers import BertTokenizerFast as BertTokenizerFast
from pellucid.tokenizers import CamembertTokenizer as CamembertTokenizer
from pellucid.tokenizers import CamembertTokenizerFast as CamembertTokenizerFast
from pellucid.tokenizers import DebertaTokenizer as DebertaTokenizer
from pellucid.tokenizers import DebertaTokenizerFast as DebertaTokenizerFast
from pellucid.tokenizers import DebertaV2Tokenizer as DebertaV2Tokenizer
from pellucid.tokenizers import DebertaV2TokenizerFast as DebertaV2TokenizerFast
from pellucid.tokenizers import DistilBertTokenizer as DistilBertTokenizer
from pellucid.tokenizers import DistilBertTokenizerFast as DistilBertTokenizerFast
from pellucid.tokenizers import ElectraTokenizer as ElectraTokenizer
from pellucid.tokenizers import ElectraTokenizerFast as ElectraTokenizerFast
from pellucid.tokenizers import EsmTokenizer as EsmTokenizer
from pellucid.tokenizers import MobileBertTokenizer as MobileBertTokenizer
from pellucid.tokenizers import MobileBertTokenizerFast as MobileBertTokenizerFast
from pellucid.tokenizers import MPNetTokenizer as MPNetTokenizer
from pellucid.tokenizers import MPNetTokenizerFast as MPNetTokenizerFast
from pellucid.tokenizers import PreTrainedTokenizerFast as PreTrainedTokenizerFast
from pellucid.tokenizers import RobertaTokenizer as RobertaTokenizer
from pellucid.tokenizers import RobertaTokenizerFast as RobertaTokenizerFast
from pellucid.tokenizers import XLMRobertaTokenizer as XLMRobertaTokenizer
from pellucid.tokenizers import XLMRobertaTokenizerFast as XLMRobertaTokenizerFast
from pellucid.training.finetune import FineTuned as FineTuned
from pellucid.training.finetune import finetune as finetune

__version__: str
__all__: list[str]
_HOMES: dict[str, str]

class AlbertForMaskedLM(PreTrainedModel):
    """ALBERT and a head that finds the words behind masks."""

    config: AlbertConfig

class AlbertForMultipleChoice(PreTrainedModel):
    """ALBERT and a head that chooses one of several texts."""

    config: AlbertConfig

class AlbertForQuestionAnswering(PreTrainedModel):
    """ALBERT and a head that finds where the answer stands."""

    config: AlbertConfig

class AlbertForSequenceClassification(PreTrainedModel):
    """ALBERT and a head that labels whole texts."""

    config: AlbertConfig

class AlbertForTokenClassification(PreTrainedModel):
    """ALBERT and a head that labels tokens."""

    config: AlbertConfig

class AlbertModel(PreTrainedModel):
    """ALBERT: the encoder alone."""

    config: AlbertConfig

class BertForMaskedLM(PreTrainedModel):
    """BERT and a head that finds the words behind masks."""

    config: BertConfig

class BertForMultipleChoice(PreTrainedModel):
    """BERT and a head that chooses one of several texts."""

    config: BertConfig

class BertForNextSentencePrediction(PreTrainedModel):
    """BERT and a head that tells whether the second text follows the first."""

    config: BertConfig

class BertForQuestionAnswering(PreTrainedModel):
    """BERT and a head that finds where the answer stands."""

    config: BertConfig

class BertForSequenceClassification(PreTrainedModel):
    """BERT and a head that labels whole texts."""

    config: BertConfig

class BertForTokenClassification(PreTrainedModel):
    """BERT and a head that labels tokens."""

    config: BertConfig

class BertModel(PreTrainedModel):
    """BERT: the encoder alone."""

    config: BertConfig

class CamembertForMaskedLM(PreTrainedModel):
    """CamemBERT and a head that finds the words behind masks."""

    config: CamembertConfig

class CamembertForMultipleChoice(PreTrainedModel):
    """CamemBERT and a head that chooses one of several texts."""

    config: CamembertConfig

class CamembertForQuestionAnswering(PreTrainedModel):
    """CamemBERT and a head that finds where the answer stands."""

    config: CamembertConfig

class CamembertForSequenceClassification(PreTrainedModel):
    """CamemBERT and a head that labels whole texts."""

    config: CamembertConfig

class CamembertForTokenClassification(PreTrainedModel):
    """CamemBERT and a head that labels tokens."""

    config: CamembertConfig

class CamembertModel(PreTrainedModel):
    """CamemBERT: the encoder alone."""

    config: CamembertConfig

class DebertaForMaskedLM(PreTrainedModel):
    """DeBERTa and a head that finds the words behind masks."""

    config: DebertaConfig

class DebertaForQuestionAnswering(PreTrainedModel):
    """DeBERTa and a head that finds where the answer stands."""

    config: DebertaConfig

class DebertaForSequenceClassification(PreTrainedModel):
    """DeBERTa and a head that labels whole texts."""

    config: DebertaConfig

class DebertaForTokenClassification(PreTrainedModel):
    """DeBERTa and a head that labels tokens."""

    config: DebertaConfig

class DebertaModel(PreTrainedModel):
    """DeBERTa: the encoder alone."""

    config: DebertaConfig

class DebertaV2ForMaskedLM(PreTrainedModel):
    """DeBERTa-v2 and a head that finds the words behind masks."""

    config: DebertaV2Config

class DebertaV2ForMultipleChoice(PreTrainedModel):
    """DeBERTa-v2 and a head that chooses one of several texts."""

    config: DebertaV2Config

class DebertaV2ForQuestionAnswering(PreTrainedModel):
    """DeBERTa-v2 and a head that finds where the answer stands."""

    config: DebertaV2Config

class DebertaV2ForSequenceClassification(PreTrainedModel):
    """DeBERTa-v2 and a head that labels whole texts."""

    config: DebertaV2Config

class DebertaV2ForTokenClassification(PreTrainedModel):
    """DeBERTa-v2 and a head that labels tokens."""

    config: DebertaV2Config

class DebertaV2Model(PreTrainedModel):
    """DeBERTa-v2: the encoder alone."""

    config: DebertaV2Config

class DistilBertForMaskedLM(PreTrainedModel):
    """DistilBERT and a head that finds the words behind masks."""

    config: DistilBertConfig

class DistilBertForMultipleChoice(PreTrainedModel):
    """DistilBERT and a head that chooses one of several texts."""

    config: DistilBertConfig

class DistilBertForQuestionAnswering(PreTrainedModel):
    """DistilBERT and a head that finds where the answer stands."""

    config: DistilBertConfig

class DistilBertForSequenceClassification(PreTrainedModel):
    """DistilBERT and a head that labels whole texts."""

    config: DistilBertConfig

class DistilBertForTokenClassification(PreTrainedModel):
    """DistilBERT and a head that labels tokens."""

    config: DistilBertConfig

class DistilBertModel(PreTrainedModel):
    """DistilBERT: the encoder alone."""

    config: DistilBertConfig

class ElectraForMaskedLM(PreTrainedModel):
    """ELECTRA and a head that finds the words behind masks."""

    config: ElectraConfig

class ElectraForMultipleChoice(PreTrainedModel):
    """ELECTRA and a head that chooses one of several texts."""

    config: ElectraConfig

class ElectraForPreTraining(PreTrainedModel):
    """ELECTRA and a head that tells which tokens were replaced."""

    config: ElectraConfig

class ElectraForQuestionAnswering(PreTrainedModel):
    """ELECTRA and a head that finds where the answer stands."""

    config: ElectraConfig

class ElectraForSequenceClassification(PreTrainedModel):
    """ELECTRA and a head that labels whole texts."""

    config: ElectraConfig

class ElectraForTokenClassification(PreTrainedModel):
    """ELECTRA and a head that labels tokens."""

    config: ElectraConfig

class ElectraModel(PreTrainedModel):
    """ELECTRA: the encoder alone."""

    config: ElectraConfig

class EsmForMaskedLM(PreTrainedModel):
    """ESM and a head that finds the words behind masks."""

    config: EsmConfig

class EsmForSequenceClassification(PreTrainedModel):
    """ESM and a head that labels whole texts."""

    config: EsmConfig

class EsmForTokenClassification(PreTrainedModel):
    """ESM and a head that labels tokens."""

    config: EsmConfig

class EsmModel(PreTrainedModel):
    """ESM: the encoder alone."""

    config: EsmConfig

class GteForMaskedLM(PreTrainedModel):
    """GTE and a head that finds the words behind masks."""

    config: GteConfig

class GteForSequenceClassification(PreTrainedModel):
    """GTE and a head that labels whole texts."""

    config: GteConfig

class GteForTokenClassification(PreTrainedModel):
    """GTE and a head that labels tokens."""

    config: GteConfig

class GteModel(PreTrainedModel):
    """GTE: the encoder alone."""

    config: GteConfig

class MPNetForMaskedLM(PreTrainedModel):
    """MPNet and a head that finds the words behind masks."""

    config: MPNetConfig

class MPNetForMultipleChoice(PreTrainedModel):
    """MPNet and a head that chooses one of several texts."""

    config: MPNetConfig

class MPNetForQuestionAnswering(PreTrainedModel):
    """MPNet and a head that finds where the answer stands."""

    config: MPNetConfig

class MPNetForSequenceClassification(PreTrainedModel):
    """MPNet and a head that labels whole texts."""

    config: MPNetConfig

class MPNetForTokenClassification(PreTrainedModel):
    """MPNet and a head that labels tokens."""

    config: MPNetConfig

class MPNetModel(PreTrainedModel):
    """MPNet: the encoder alone."""

    config: MPNetConfig

class MobileBertForMaskedLM(PreTrainedModel):
    """MobileBERT and a head that finds the words behind masks."""

    config: MobileBertConfig

class MobileBertForMultipleChoice(PreTrainedModel):
    """MobileBERT and a head that chooses one of several texts."""

    config: MobileBertConfig

class MobileBertForNextSentencePrediction(PreTrainedModel):
    """MobileBERT and a head that tells whether the second text follows the first."""

    config: MobileBertConfig

class MobileBertForQuestionAnswering(PreTrainedModel):
    """MobileBERT and a head that finds where the answer stands."""

    config: MobileBertConfig

class MobileBertForSequenceClassification(PreTrainedModel):
    """MobileBERT and a head that labels whole texts."""

    config: MobileBertConfig

class MobileBertForTokenClassification(PreTrainedModel):
    """MobileBERT and a head that labels tokens."""

    config: MobileBertConfig

class MobileBertModel(PreTrainedModel):
    """MobileBERT: the encoder alone."""

    config: MobileBertConfig

class ModernBertForMaskedLM(PreTrainedModel):
    """ModernBERT and a head that finds the words behind masks."""

    config: ModernBertConfig

class ModernBertForMultipleChoice(PreTrainedModel):
    """ModernBERT and a head that chooses one of several texts."""

    config: ModernBertConfig

class ModernBertForQuestionAnswering(PreTrainedModel):
    """ModernBERT and a head that finds where the answer stands."""

    config: ModernBertConfig

class ModernBertForSequenceClassification(PreTrainedModel):
    """ModernBERT and a head that labels whole texts."""

    config: ModernBertConfig

class ModernBertForTokenClassification(PreTrainedModel):
    """ModernBERT and a head that labels tokens."""

    config: ModernBertConfig

class ModernBertModel(PreTrainedModel):
    """ModernBERT: the encoder alone."""

    config: ModernBertConfig

class NewForMaskedLM(PreTrainedModel):
    """GTE (new) and a head that finds the words behind masks."""

    config: NewConfig

class NewForSequenceClassification(PreTrainedModel):
    """GTE (new) and a head that labels whole texts."""

    config: NewConfig

class NewForTokenClassification(PreTrainedModel):
    """GTE (new) and a head that labels tokens."""

    config: NewConfig

class NewModel(PreTrainedModel):
    """GTE (new): the encoder alone."""

    config: NewConfig

class NomicBertForMaskedLM(PreTrainedModel):
    """Nomic BERT and a head that finds the words behind masks."""

    config: NomicBertConfig

class NomicBertForSequenceClassification(PreTrainedModel):
    """Nomic BERT and a head that labels whole texts."""

    config: NomicBertConfig

class NomicBertForTokenClassification(PreTrainedModel):
    """Nomic BERT and a head that labels tokens."""

    config: NomicBertConfig

class NomicBertModel(PreTrainedModel):
    """Nomic BERT: the encoder alone."""

    config: NomicBertConfig

class RobertaForMaskedLM(PreTrainedModel):
    """RoBERTa and a head that finds the words behind masks."""

    config: RobertaConfig

class RobertaForMultipleChoice(PreTrainedModel):
    """RoBERTa and a head that chooses one of several texts."""

    config: RobertaConfig

class RobertaForQuestionAnswering(PreTrainedModel):
    """RoBERTa and a head that finds where the answer stands."""

    config: RobertaConfig

class RobertaForSequenceClassification(PreTrainedModel):
    """RoBERTa and a head that labels whole texts."""

    config: RobertaConfig

class RobertaForTokenClassification(PreTrainedModel):
    """RoBERTa and a head that labels tokens."""

    config: RobertaConfig

class RobertaModel(PreTrainedModel):
    """RoBERTa: the encoder alone."""

    config: RobertaConfig

class XLMRobertaForMaskedLM(PreTrainedModel):
    """XLM-RoBERTa and a head that finds the words behind masks."""

    config: XLMRobertaConfig

class XLMRobertaForMultipleChoice(PreTrainedModel):
    """XLM-RoBERTa and a head that chooses one of several texts."""

    config: XLMRobertaConfig

class XLMRobertaForQuestionAnswering(PreTrainedModel):
    """XLM-RoBERTa and a head that finds where the answer stands."""

    config: XLMRobertaConfig

class XLMRobertaForSequenceClassification(PreTrainedModel):
    """XLM-RoBERTa and a head that labels whole texts."""

    config: XLMRobertaConfig

class XLMRobertaForTokenClassification(PreTrainedModel):
    """XLM-RoBERTa and a head that labels tokens."""

    config: XLMRobertaConfig

class XLMRobertaModel(PreTrainedModel):
    """XLM-RoBERTa: the encoder alone."""

    config: XLMRobertaConfig

class TFAlbertForMaskedLM(_TFPreTrainedModel):
    """ALBERT on TensorFlow and a head that finds the words behind masks."""

    config: AlbertConfig

class TFAlbertForMultipleChoice(_TFPreTrainedModel):
    """ALBERT on TensorFlow and a head that chooses one of several texts."""

    config: AlbertConfig

class TFAlbertForQuestionAnswering(_TFPreTrainedModel):
    """ALBERT on TensorFlow and a head that finds where the answer stands."""

    config: AlbertConfig

class TFAlbertForSequenceClassification(_TFPreTrainedModel):
    """ALBERT on TensorFlow and a head that labels whole texts."""

    config: AlbertConfig

class TFAlbertForTokenClassification(_TFPreTrainedModel):
    """ALBERT on TensorFlow and a head that labels tokens."""

    config: AlbertConfig

class TFAlbertModel(_TFPreTrainedModel):
    """ALBERT on TensorFlow: the encoder alone."""

    config: AlbertConfig

class TFBertForMaskedLM(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that finds the words behind masks."""

    config: BertConfig

class TFBertForMultipleChoice(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that chooses one of several texts."""

    config: BertConfig

class TFBertForNextSentencePrediction(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that tells whether the second text follows the first."""

    config: BertConfig

class TFBertForQuestionAnswering(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that finds where the answer stands."""

    config: BertConfig

class TFBertForSequenceClassification(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that labels whole texts."""

    config: BertConfig

class TFBertForTokenClassification(_TFPreTrainedModel):
    """BERT on TensorFlow and a head that labels tokens."""

    config: BertConfig

class TFBertModel(_TFPreTrainedModel):
    """BERT on TensorFlow: the encoder alone."""

    config: BertConfig

class TFCamembertForMaskedLM(_TFPreTrainedModel):
    """CamemBERT on TensorFlow and a head that finds the words behind masks."""

    config: CamembertConfig

class TFCamembertForMultipleChoice(_TFPreTrainedModel):
    """CamemBERT on TensorFlow and a head that chooses one of several texts."""

    config: CamembertConfig

class TFCamembertForQuestionAnswering(_TFPreTrainedModel):
    """CamemBERT on TensorFlow and a head that finds where the answer stands."""

    config: CamembertConfig

class TFCamembertForSequenceClassification(_TFPreTrainedModel):
    """CamemBERT on TensorFlow and a head that labels whole texts."""

    config: CamembertConfig

class TFCamembertForTokenClassification(_TFPreTrainedModel):
    """CamemBERT on TensorFlow and a head that labels tokens."""

    config: CamembertConfig

class TFCamembertModel(_TFPreTrainedModel):
    """CamemBERT on TensorFlow: the encoder alone."""

    config: CamembertConfig

class TFDebertaForMaskedLM(_TFPreTrainedModel):
    """DeBERTa on TensorFlow and a head that finds the words behind masks."""

    config: DebertaConfig

class TFDebertaForQuestionAnswering(_TFPreTrainedModel):
    """DeBERTa on TensorFlow and a head that finds where the answer stands."""

    config: DebertaConfig

class TFDebertaForSequenceClassification(_TFPreTrainedModel):
    """DeBERTa on TensorFlow and a head that labels whole texts."""

    config: DebertaConfig

class TFDebertaForTokenClassification(_TFPreTrainedModel):
    """DeBERTa on TensorFlow and a head that labels tokens."""

    config: DebertaConfig

class TFDebertaModel(_TFPreTrainedModel):
    """DeBERTa on TensorFlow: the encoder alone."""

    config: DebertaConfig

class TFDebertaV2ForMaskedLM(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow and a head that finds the words behind masks."""

    config: DebertaV2Config

class TFDebertaV2ForMultipleChoice(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow and a head that chooses one of several texts."""

    config: DebertaV2Config

class TFDebertaV2ForQuestionAnswering(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow and a head that finds where the answer stands."""

    config: DebertaV2Config

class TFDebertaV2ForSequenceClassification(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow and a head that labels whole texts."""

    config: DebertaV2Config

class TFDebertaV2ForTokenClassification(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow and a head that labels tokens."""

    config: DebertaV2Config

class TFDebertaV2Model(_TFPreTrainedModel):
    """DeBERTa-v2 on TensorFlow: the encoder alone."""

    config: DebertaV2Config

class TFDistilBertForMaskedLM(_TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that finds the words behind masks."""

    config: DistilBertConfig

class TFDistilBertForMultipleChoice(_TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that chooses one of several texts."""

    config: DistilBertConfig

class TFDistilBertForQuestionAnswering(_TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that finds where the answer stands."""

    config: DistilBertConfig

class TFDistilBertForSequenceClassification(_TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that labels whole texts."""

    config: DistilBertConfig

class TFDistilBertForTokenClassification(_TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that labels tokens."""

    config: DistilBertConfig

class TFDistilBertModel(_TFPreTrainedModel):
    """DistilBERT on TensorFlow: the encoder alone."""

    config: DistilBertConfig

class TFElectraForMaskedLM(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that finds the words behind masks."""

    config: ElectraConfig

class TFElectraForMultipleChoice(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that chooses one of several texts."""

    config: ElectraConfig

class TFElectraForPreTraining(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that tells which tokens were replaced."""

    config: ElectraConfig

class TFElectraForQuestionAnswering(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that finds where the answer stands."""

    config: ElectraConfig

class TFElectraForSequenceClassification(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that labels whole texts."""

    config: ElectraConfig

class TFElectraForTokenClassification(_TFPreTrainedModel):
    """ELECTRA on TensorFlow and a head that labels tokens."""

    config: ElectraConfig

class TFElectraModel(_TFPreTrainedModel):
    """ELECTRA on TensorFlow: the encoder alone."""

    config: ElectraConfig

class TFEsmForMaskedLM(_TFPreTrainedModel):
    """ESM on TensorFlow and a head that finds the words behind masks."""

    config: EsmConfig

class TFEsmForSequenceClassification(_TFPreTrainedModel):
    """ESM on TensorFlow and a head that labels whole texts."""

    config: EsmConfig

class TFEsmForTokenClassification(_TFPreTrainedModel):
    """ESM on TensorFlow and a head that labels tokens."""

    config: EsmConfig

class TFEsmModel(_TFPreTrainedModel):
    """ESM on TensorFlow: the encoder alone."""

    config: EsmConfig

class TFGteForMaskedLM(_TFPreTrainedModel):
    """GTE on TensorFlow and a head that finds the words behind masks."""

    config: GteConfig

class TFGteForSequenceClassification(_TFPreTrainedModel):
    """GTE on TensorFlow and a head that labels whole texts."""

    config: GteConfig

class TFGteForTokenClassification(_TFPreTrainedModel):
    """GTE on TensorFlow and a head that labels tokens."""

    config: GteConfig

class TFGteModel(_TFPreTrainedModel):
    """GTE on TensorFlow: the encoder alone."""

    config: GteConfig

class TFMPNetForMaskedLM(_TFPreTrainedModel):
    """MPNet on TensorFlow and a head that finds the words behind masks."""

    config: MPNetConfig

class TFMPNetForMultipleChoice(_TFPreTrainedModel):
    """MPNet on TensorFlow and a head that chooses one of several texts."""

    config: MPNetConfig

class TFMPNetForQuestionAnswering(_TFPreTrainedModel):
    """MPNet on TensorFlow and a head that finds where the answer stands."""

    config: MPNetConfig

class TFMPNetForSequenceClassification(_TFPreTrainedModel):
    """MPNet on TensorFlow and a head that labels whole texts."""

    config: MPNetConfig

class TFMPNetForTokenClassification(_TFPreTrainedModel):
    """MPNet on TensorFlow and a head that labels tokens."""

    config: MPNetConfig

class TFMPNetModel(_TFPreTrainedModel):
    """MPNet on TensorFlow: the encoder alone."""

    config: MPNetConfig

class TFMobileBertForMaskedLM(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that finds the words behind masks."""

    config: MobileBertConfig

class TFMobileBertForMultipleChoice(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that chooses one of several texts."""

    config: MobileBertConfig

class TFMobileBertForNextSentencePrediction(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that tells whether the second text follows the first."""

    config: MobileBertConfig

class TFMobileBertForQuestionAnswering(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that finds where the answer stands."""

    config: MobileBertConfig

class TFMobileBertForSequenceClassification(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that labels whole texts."""

    config: MobileBertConfig

class TFMobileBertForTokenClassification(_TFPreTrainedModel):
    """MobileBERT on TensorFlow and a head that labels tokens."""

    config: MobileBertConfig

class TFMobileBertModel(_TFPreTrainedModel):
    """MobileBERT on TensorFlow: the encoder alone."""

    config: MobileBertConfig

class TFModernBertForMaskedLM(_TFPreTrainedModel):
    """ModernBERT on TensorFlow and a head that finds the words behind masks."""

    config: ModernBertConfig

class TFModernBertForMultipleChoice(_TFPreTrainedModel):
    """ModernBERT on TensorFlow and a head that chooses one of several texts."""

    config: ModernBertConfig

class TFModernBertForQuestionAnswering(_TFPreTrainedModel):
    """ModernBERT on TensorFlow and a head that finds where the answer stands."""

    config: ModernBertConfig

class TFModernBertForSequenceClassification(_TFPreTrainedModel):
    """ModernBERT on TensorFlow and a head that labels whole texts."""

    config: ModernBertConfig

class TFModernBertForTokenClassification(_TFPreTrainedModel):
    """ModernBERT on TensorFlow and a head that labels tokens."""

    config: ModernBertConfig

class TFModernBertModel(_TFPreTrainedModel):
    """ModernBERT on TensorFlow: the encoder alone."""

    config: ModernBertConfig

class TFNewForMaskedLM(_TFPreTrainedModel):
    """GTE (new) on TensorFlow and a head that finds the words behind masks."""

    config: NewConfig

class TFNewForSequenceClassification(_TFPreTrainedModel):
    """GTE (new) on TensorFlow and a head that labels whole texts."""

    config: NewConfig

class TFNewForTokenClassification(_TFPreTrainedModel):
    """GTE (new) on TensorFlow and a head that labels tokens."""

    config: NewConfig

class TFNewModel(_TFPreTrainedModel):
    """GTE (new) on TensorFlow: the encoder alone."""

    config: NewConfig

class TFNomicBertForMaskedLM(_TFPreTrainedModel):
    """Nomic BERT on TensorFlow and a head that finds the words behind masks."""

    config: NomicBertConfig

class TFNomicBertForSequenceClassification(_TFPreTrainedModel):
    """Nomic BERT on TensorFlow and a head that labels whole texts."""

    config: NomicBertConfig

class TFNomicBertForTokenClassification(_TFPreTrainedModel):
    """Nomic BERT on TensorFlow and a head that labels tokens."""

    config: NomicBertConfig

class TFNomicBertModel(_TFPreTrainedModel):
    """Nomic BERT on TensorFlow: the encoder alone."""

    config: NomicBertConfig

class TFRobertaForMaskedLM(_TFPreTrainedModel):
    """RoBERTa on TensorFlow and a head that finds the words behind masks."""

    config: RobertaConfig

class TFRobertaForMultipleChoice(_TFPreTrainedModel):
    """RoBERTa on TensorFlow and a head that chooses one of several texts."""

    config: RobertaConfig

class TFRobertaForQuestionAnswering(_TFPreTrainedModel):
    """RoBERTa on TensorFlow and a head that finds where the answer stands."""

    config: RobertaConfig

class TFRobertaForSequenceClassification(_TFPreTrainedModel):
    """RoBERTa on TensorFlow and a head that labels whole texts."""

    config: RobertaConfig

class TFRobertaForTokenClassification(_TFPreTrainedModel):
    """RoBERTa on TensorFlow and a head that labels tokens."""

    config: RobertaConfig

class TFRobertaModel(_TFPreTrainedModel):
    """RoBERTa on TensorFlow: the encoder alone."""

    config: RobertaConfig

class TFXLMRobertaForMaskedLM(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow and a head that finds the words behind masks."""

    config: XLMRobertaConfig

class TFXLMRobertaForMultipleChoice(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow and a head that chooses one of several texts."""

    config: XLMRobertaConfig

class TFXLMRobertaForQuestionAnswering(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow and a head that finds where the answer stands."""

    config: XLMRobertaConfig

class TFXLMRobertaForSequenceClassification(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow and a head that labels whole texts."""

    config: XLMRobertaConfig

class TFXLMRobertaForTokenClassification(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow and a head that labels tokens."""

    config: XLMRobertaConfig

class TFXLMRobertaModel(_TFPreTrainedModel):
    """XLM-RoBERTa on TensorFlow: the encoder alone."""

    config: XLMRobertaConfig
