// Puts together from the parts of BouncyCastle what its CMS of 2023 has no classes for: X25519
// (RFC 8418) and ChaCha20-Poly1305 (RFC 8103). Structures, ECC-CMS-SharedInfo and primitives are
// BouncyCastle's, their order is the text of the two standards. One job a line, separated by tabs:
//
//   seal  OUT TRANSPORT CIPHER CERTIFICATE CONTENT UKM|- plain|attributes
//   open  OUT CMS KEY
//
// TRANSPORT is x25519-256, x25519-384 or x25519-512. Prints one line a job: ok, or what failed.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AuthEnvelopedData;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.EncryptedContentInfo;
import org.bouncycastle.asn1.cms.EnvelopedData;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.cms.IssuerAndSerialNumber;
import org.bouncycastle.asn1.cms.KeyAgreeRecipientIdentifier;
import org.bouncycastle.asn1.cms.KeyAgreeRecipientInfo;
import org.bouncycastle.asn1.cms.OriginatorIdentifierOrKey;
import org.bouncycastle.asn1.cms.OriginatorPublicKey;
import org.bouncycastle.asn1.cms.RecipientEncryptedKey;
import org.bouncycastle.asn1.cms.RecipientInfo;
import org.bouncycastle.asn1.cms.ecc.ECCCMSSharedInfo;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.agreement.X25519Agreement;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.digests.SHA384Digest;
import org.bouncycastle.crypto.digests.SHA512Digest;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.engines.AESWrapEngine;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.modes.AEADCipher;
import org.bouncycastle.crypto.modes.CBCBlockCipher;
import org.bouncycastle.crypto.modes.ChaCha20Poly1305;
import org.bouncycastle.crypto.modes.GCMBlockCipher;
import org.bouncycastle.crypto.paddings.PaddedBufferedBlockCipher;
import org.bouncycastle.crypto.params.AEADParameters;
import org.bouncycastle.crypto.params.AsymmetricKeyParameter;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.crypto.params.X25519PrivateKeyParameters;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.crypto.util.SubjectPublicKeyInfoFactory;
import org.bouncycastle.util.Arrays;
import org.bouncycastle.util.Pack;

public final class BouncyCastleParts {
    private static final SecureRandom CHANCE = new SecureRandom();
    // RFC 8103 §3
    private static final ASN1ObjectIdentifier CHACHA =
        new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.3.18");
    // RFC 8418 §2.2: dhSinglePass-stdDH-hkdf-sha256-scheme and the two after it.
    private static final String SCHEMES = "1.2.840.113549.1.9.16.3.";

    public static void main(String[] arguments) throws Exception {
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] job = line.split("\t");
            try {
                Files.write(Path.of(job[1]), job[0].equals("seal") ? seal(job) : open(job));
                System.out.println("ok");
            } catch (Exception fault) {
                System.out.println(fault.toString().replace('\n', ' '));
            }
        }
    }

    private static byte[] seal(String[] job) throws Exception {
        ASN1ObjectIdentifier cipher = switch (job[3]) {
            case "chacha20-poly1305" -> CHACHA;
            case "aes128-gcm" -> NISTObjectIdentifiers.id_aes128_GCM;
            case "aes256-gcm" -> NISTObjectIdentifiers.id_aes256_GCM;
            case "aes128-cbc" -> NISTObjectIdentifiers.id_aes128_CBC;
            default -> NISTObjectIdentifiers.id_aes256_CBC;
        };
        boolean strong = !job[3].startsWith("aes128");
        byte[] key = random(strong ? 32 : 16);
        byte[] ukm = job[6].equals("-") ? null : job[6].getBytes();
        ASN1Set recipients = new DERSet(new RecipientInfo(recipient(
            Integer.parseInt(job[2].substring(7)), strong, Certificate.getInstance(read(job[4])),
            ukm, key)));
        byte[] content = read(job[5]);
        if (job[3].endsWith("cbc")) {
            byte[] iv = random(16);
            AlgorithmIdentifier algorithm =
                new AlgorithmIdentifier(cipher, new DEROctetString(iv));
            EncryptedContentInfo info = new EncryptedContentInfo(
                CMSObjectIdentifiers.data, algorithm,
                new DEROctetString(cbc(true, key, iv, content)));
            return new ContentInfo(CMSObjectIdentifiers.envelopedData,
                new EnvelopedData(null, recipients, info, (ASN1Set) null)).getEncoded("DER");
        }
        byte[] nonce = random(12);
        AlgorithmIdentifier algorithm = new AlgorithmIdentifier(cipher,
            cipher.equals(CHACHA) ? new DEROctetString(nonce) : new GCMParameters(nonce, 16));
        ASN1Set attributes = job[7].equals("plain") ? null : new DERSet(new Attribute(
            CMSAttributes.contentType, new DERSet(CMSObjectIdentifiers.data)));
        byte[] sealed = aead(true, cipher, key, nonce, associated(attributes), content);
        int end = sealed.length - 16;
        EncryptedContentInfo info = new EncryptedContentInfo(CMSObjectIdentifiers.data,
            algorithm, new DEROctetString(Arrays.copyOf(sealed, end)));
        return new ContentInfo(CMSObjectIdentifiers.authEnvelopedData,
            new AuthEnvelopedData(null, recipients, info, attributes,
                new DEROctetString(Arrays.copyOfRange(sealed, end, sealed.length)), null))
            .getEncoded("DER");
    }

    private static KeyAgreeRecipientInfo recipient(
            int bits, boolean strong, Certificate certificate, byte[] ukm, byte[] key)
            throws Exception {
        AlgorithmIdentifier wrap = new AlgorithmIdentifier(
            strong ? NISTObjectIdentifiers.id_aes256_wrap : NISTObjectIdentifiers.id_aes128_wrap);
        X25519PrivateKeyParameters fresh = new X25519PrivateKeyParameters(CHANCE);
        AsymmetricKeyParameter theirs =
            PublicKeyFactory.createKey(certificate.getSubjectPublicKeyInfo());
        AESWrapEngine engine = new AESWrapEngine();
        engine.init(true, kek(bits, wrap, strong ? 32 : 16, ukm, fresh, theirs));
        SubjectPublicKeyInfo ours =
            SubjectPublicKeyInfoFactory.createSubjectPublicKeyInfo(fresh.generatePublicKey());
        String scheme = SCHEMES + (19 + (bits - 256) / 128);
        return new KeyAgreeRecipientInfo(
            new OriginatorIdentifierOrKey(new OriginatorPublicKey(
                ours.getAlgorithm(), ours.getPublicKeyData().getBytes())),
            ukm == null ? null : new DEROctetString(ukm),
            new AlgorithmIdentifier(new ASN1ObjectIdentifier(scheme), wrap),
            new DERSequence(new RecipientEncryptedKey(
                new KeyAgreeRecipientIdentifier(new IssuerAndSerialNumber(certificate)),
                new DEROctetString(engine.wrap(key, 0, key.length)))));
    }

    private static KeyParameter kek(int bits, AlgorithmIdentifier wrap, int size, byte[] ukm,
            AsymmetricKeyParameter ours, AsymmetricKeyParameter theirs) throws Exception {
        X25519Agreement agreement = new X25519Agreement();
        agreement.init(ours);
        byte[] secret = new byte[agreement.getAgreementSize()];
        agreement.calculateAgreement(theirs, secret, 0);
        byte[] info = new ECCCMSSharedInfo(wrap, ukm, Pack.intToBigEndian(size * 8))
            .getEncoded("DER");
        Digest digest = bits == 256 ? new SHA256Digest()
            : bits == 384 ? new SHA384Digest() : new SHA512Digest();
        HKDFBytesGenerator generator = new HKDFBytesGenerator(digest);
        generator.init(new HKDFParameters(secret, null, info));
        byte[] key = new byte[size];
        generator.generateBytes(key, 0, size);
        return new KeyParameter(key);
    }

    private static byte[] open(String[] job) throws Exception {
        AsymmetricKeyParameter key =
            PrivateKeyFactory.createKey(PrivateKeyInfo.getInstance(read(job[3])));
        ContentInfo cms = ContentInfo.getInstance(read(job[2]));
        if (cms.getContentType().equals(CMSObjectIdentifiers.envelopedData)) {
            EnvelopedData data = EnvelopedData.getInstance(cms.getContent());
            EncryptedContentInfo info = data.getEncryptedContentInfo();
            byte[] iv = ASN1OctetString.getInstance(
                info.getContentEncryptionAlgorithm().getParameters()).getOctets();
            return cbc(false, contentKey(data.getRecipientInfos(), key), iv,
                info.getEncryptedContent().getOctets());
        }
        AuthEnvelopedData data = AuthEnvelopedData.getInstance(cms.getContent());
        EncryptedContentInfo info = data.getAuthEncryptedContentInfo();
        AlgorithmIdentifier algorithm = info.getContentEncryptionAlgorithm();
        ASN1ObjectIdentifier cipher = algorithm.getAlgorithm();
        byte[] nonce = cipher.equals(CHACHA)
            ? ASN1OctetString.getInstance(algorithm.getParameters()).getOctets()
            : GCMParameters.getInstance(algorithm.getParameters()).getNonce();
        byte[] sealed = Arrays.concatenate(
            info.getEncryptedContent().getOctets(), data.getMac().getOctets());
        return aead(false, cipher, contentKey(data.getRecipientInfos(), key), nonce,
            associated(data.getAuthAttrs()), sealed);
    }

    private static byte[] contentKey(ASN1Set recipients, AsymmetricKeyParameter key)
            throws Exception {
        KeyAgreeRecipientInfo info = KeyAgreeRecipientInfo.getInstance(
            RecipientInfo.getInstance(recipients.getObjectAt(0)).getInfo());
        AlgorithmIdentifier wrap = AlgorithmIdentifier.getInstance(
            info.getKeyEncryptionAlgorithm().getParameters());
        boolean strong = wrap.getAlgorithm().equals(NISTObjectIdentifiers.id_aes256_wrap);
        String scheme = info.getKeyEncryptionAlgorithm().getAlgorithm().getId();
        int bits = 256 + 128 * (Integer.parseInt(scheme.substring(SCHEMES.length())) - 19);
        OriginatorPublicKey originator = info.getOriginator().getOriginatorKey();
        AsymmetricKeyParameter theirs = PublicKeyFactory.createKey(new SubjectPublicKeyInfo(
            originator.getAlgorithm(), originator.getPublicKey().getBytes()));
        byte[] ukm = info.getUserKeyingMaterial() == null
            ? null : info.getUserKeyingMaterial().getOctets();
        byte[] wrapped = RecipientEncryptedKey.getInstance(
            info.getRecipientEncryptedKeys().getObjectAt(0)).getEncryptedKey().getOctets();
        AESWrapEngine engine = new AESWrapEngine();
        engine.init(false, kek(bits, wrap, strong ? 32 : 16, ukm, key, theirs));
        return engine.unwrap(wrapped, 0, wrapped.length);
    }

    // RFC 5083 §2.2: the attributes as a SET OF in DER.
    private static byte[] associated(ASN1Set attributes) throws Exception {
        return attributes == null
            ? new byte[0] : new DERSet(attributes.toArray()).getEncoded("DER");
    }

    private static byte[] aead(boolean encrypt, ASN1ObjectIdentifier cipher, byte[] key,
            byte[] nonce, byte[] associated, byte[] octets) throws Exception {
        AEADCipher mode = cipher.equals(CHACHA)
            ? new ChaCha20Poly1305() : new GCMBlockCipher(new AESEngine());
        mode.init(encrypt, new AEADParameters(new KeyParameter(key), 128, nonce, associated));
        byte[] out = new byte[mode.getOutputSize(octets.length)];
        int size = mode.processBytes(octets, 0, octets.length, out, 0);
        return Arrays.copyOf(out, size + mode.doFinal(out, size));
    }

    private static byte[] cbc(boolean encrypt, byte[] key, byte[] iv, byte[] octets)
            throws Exception {
        PaddedBufferedBlockCipher mode =
            new PaddedBufferedBlockCipher(new CBCBlockCipher(new AESEngine()));
        mode.init(encrypt, new ParametersWithIV(new KeyParameter(key), iv));
        byte[] out = new byte[mode.getOutputSize(octets.length)];
        int size = mode.processBytes(octets, 0, octets.length, out, 0);
        return Arrays.copyOf(out, size + mode.doFinal(out, size));
    }

    private static byte[] random(int octets) {
        byte[] out = new byte[octets];
        CHANCE.nextBytes(out);
        return out;
    }

    private static byte[] read(String name) throws Exception {
        return Files.readAllBytes(Path.of(name));
    }
}
