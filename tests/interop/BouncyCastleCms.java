// Does with BouncyCastle what a file of jobs says, one job a line, words separated by tabs:
//
//   sign      OUT ALGORITHM KEY CERTIFICATE CONTENT detached|embedded|stream
//   verify    CMS CERTIFICATE CONTENT|-
//   encrypt   OUT CIPHER TRANSPORT CERTIFICATE CONTENT whole|stream
//   decrypt   OUT CMS KEY
//   compress  OUT CONTENT
//
// Keys are PKCS #8, certificates and CMS are DER. Prints one line for each job: ok, or what failed.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.util.List;
import java.util.Map;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSCompressedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedDataStreamGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSSignedDataStreamGenerator;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.ZlibCompressor;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

public final class BouncyCastleCms {
    private static final String BC = "BC";
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "aes128-cbc", CMSAlgorithm.AES128_CBC,
        "aes192-cbc", CMSAlgorithm.AES192_CBC,
        "aes256-cbc", CMSAlgorithm.AES256_CBC,
        "aes128-gcm", CMSAlgorithm.AES128_GCM,
        "aes192-gcm", CMSAlgorithm.AES192_GCM,
        "aes256-gcm", CMSAlgorithm.AES256_GCM,
        "3des", CMSAlgorithm.DES_EDE3_CBC);
    private static final Map<String, ASN1ObjectIdentifier> WRAPS = Map.of(
        "aes128-wrap", CMSAlgorithm.AES128_WRAP,
        "aes256-wrap", CMSAlgorithm.AES256_WRAP,
        "3des-wrap", CMSAlgorithm.DES_EDE3_WRAP);
    private static final Map<String, ASN1ObjectIdentifier> AGREEMENTS = Map.of(
        "ecdh-sha1", CMSAlgorithm.ECDH_SHA1KDF,
        "ecdh-sha256", CMSAlgorithm.ECDH_SHA256KDF,
        "ecdh-sha384", CMSAlgorithm.ECDH_SHA384KDF,
        "ecdh-sha512", CMSAlgorithm.ECDH_SHA512KDF,
        "ecdh-cofactor-sha256", CMSAlgorithm.ECCDH_SHA256KDF);

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            try {
                run(line.split("\t"));
                System.out.println("ok");
            } catch (Exception fault) {
                System.out.println(fault.toString().replace('\n', ' '));
            }
        }
    }

    private static void run(String[] job) throws Exception {
        switch (job[0]) {
            case "sign" -> write(job[1], sign(job));
            case "verify" -> verify(job);
            case "encrypt" -> write(job[1], encrypt(job));
            case "decrypt" -> write(job[1], decrypt(read(job[2]), key(job[3])));
            case "compress" -> write(job[1], new CMSCompressedDataGenerator()
                .generate(content(job[2]), new ZlibCompressor()).getEncoded());
            default -> throw new IllegalArgumentException(job[0]);
        }
    }

    private static byte[] sign(String[] job) throws Exception {
        X509Certificate certificate = certificate(job[4]);
        SignerInfoGenerator signer = new JcaSimpleSignerInfoGeneratorBuilder()
            .setProvider(BC).build(job[2], key(job[3]), certificate);
        JcaCertStore bag = new JcaCertStore(List.of(certificate));
        if (job[6].equals("stream")) {
            CMSSignedDataStreamGenerator stream = new CMSSignedDataStreamGenerator();
            stream.addSignerInfoGenerator(signer);
            stream.addCertificates(bag);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (OutputStream in = stream.open(out, true)) {
                in.write(read(job[5]));
            }
            return out.toByteArray();
        }
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(signer);
        generator.addCertificates(bag);
        return generator.generate(content(job[5]), job[6].equals("embedded")).getEncoded();
    }

    private static void verify(String[] job) throws Exception {
        CMSSignedData data = job[3].equals("-")
            ? new CMSSignedData(read(job[1]))
            : new CMSSignedData(content(job[3]), read(job[1]));
        X509Certificate certificate = certificate(job[2]);
        for (SignerInformation signer : data.getSignerInfos().getSigners()) {
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder()
                    .setProvider(BC).build(certificate))) {
                throw new IllegalStateException("does not verify");
            }
        }
    }

    private static byte[] encrypt(String[] job) throws Exception {
        RecipientInfoGenerator recipient = recipient(job[3], certificate(job[4]));
        JceCMSContentEncryptorBuilder cipher =
            new JceCMSContentEncryptorBuilder(CIPHERS.get(job[2])).setProvider(BC);
        if (job[2].endsWith("gcm")) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            generator.addRecipientInfoGenerator(recipient);
            return generator.generate(content(job[5]), (OutputAEADEncryptor) cipher.build())
                .getEncoded();
        }
        if (job[6].equals("stream")) {
            CMSEnvelopedDataStreamGenerator stream = new CMSEnvelopedDataStreamGenerator();
            stream.addRecipientInfoGenerator(recipient);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (OutputStream in = stream.open(out, cipher.build())) {
                in.write(read(job[5]));
            }
            return out.toByteArray();
        }
        CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
        generator.addRecipientInfoGenerator(recipient);
        return generator.generate(content(job[5]), cipher.build()).getEncoded();
    }

    private static RecipientInfoGenerator recipient(String transport, X509Certificate certificate)
            throws Exception {
        if (transport.equals("pkcs1v15")) {
            return new JceKeyTransRecipientInfoGenerator(certificate).setProvider(BC);
        }
        if (transport.startsWith("oaep-")) {
            String digest = transport.substring(5).replace("sha", "SHA-");
            AlgorithmIdentifier oaep = new JcaAlgorithmParametersConverter().getAlgorithmIdentifier(
                PKCSObjectIdentifiers.id_RSAES_OAEP,
                new OAEPParameterSpec(digest, "MGF1", new MGF1ParameterSpec(digest),
                    PSource.PSpecified.DEFAULT));
            return new JceKeyTransRecipientInfoGenerator(certificate, oaep).setProvider(BC);
        }
        String[] words = transport.split("\\+");
        KeyPairGenerator fresh = KeyPairGenerator.getInstance("EC", BC);
        fresh.initialize(((ECPublicKey) certificate.getPublicKey()).getParams());
        KeyPair pair = fresh.generateKeyPair();
        JceKeyAgreeRecipientInfoGenerator generator = new JceKeyAgreeRecipientInfoGenerator(
            AGREEMENTS.get(words[0]), pair.getPrivate(), pair.getPublic(), WRAPS.get(words[1]));
        if (words.length > 2) {
            generator.setUserKeyingMaterial(words[2].getBytes());
        }
        return generator.setProvider(BC).addRecipient(certificate);
    }

    private static byte[] decrypt(byte[] cms, PrivateKey key) throws Exception {
        if (ContentInfo.getInstance(cms).getContentType()
                .equals(CMSObjectIdentifiers.authEnvelopedData)) {
            CMSAuthEnvelopedData data = new CMSAuthEnvelopedData(cms);
            for (RecipientInformation recipient : data.getRecipientInfos().getRecipients()) {
                return recipient.getContent(
                    new JceKeyTransAuthEnvelopedRecipient(key).setProvider(BC));
            }
        }
        CMSEnvelopedData data = new CMSEnvelopedData(cms);
        for (RecipientInformation recipient : data.getRecipientInfos().getRecipients()) {
            return recipient.getContent(key.getAlgorithm().startsWith("EC")
                ? new JceKeyAgreeEnvelopedRecipient(key).setProvider(BC)
                : new JceKeyTransEnvelopedRecipient(key).setProvider(BC));
        }
        throw new IllegalStateException("no RecipientInfo");
    }

    private static PrivateKey key(String name) throws Exception {
        return BouncyCastleProvider.getPrivateKey(PrivateKeyInfo.getInstance(read(name)));
    }

    private static X509Certificate certificate(String name) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", BC)
            .generateCertificate(new ByteArrayInputStream(read(name)));
    }

    private static CMSProcessableByteArray content(String name) throws Exception {
        return new CMSProcessableByteArray(read(name));
    }

    private static byte[] read(String name) throws Exception {
        return Files.readAllBytes(Path.of(name));
    }

    private static void write(String name, byte[] octets) throws Exception {
        Files.write(Path.of(name), octets);
    }
}
